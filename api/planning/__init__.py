"""What people do with portfolios: each function takes the `Desk` at which somebody works."""
