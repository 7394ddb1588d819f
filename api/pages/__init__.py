"""Pages for people. A page is a frame without data: what it shows it asks of /v1, with the rights of who reads it.

``frame`` renders the templates and answers errors as pages; ``words`` both languages; ``static`` scripts and styles;
``routes`` the URLs.
"""

from api.pages.company import routes as company_routes
from api.pages.routes import routes
from api.pages.static import static_routes

__all__ = ["company_routes", "routes", "static_routes"]
