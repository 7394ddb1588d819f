// How far it is from place to place, as the crow flies.

const EARTH_KM = 6371;
const radians = (degrees) => (degrees * Math.PI) / 180;

// Kilometres between two places {lon, lat}: haversine, on a sphere.
export function straightKm(one, other) {
  const half = (degrees) => Math.sin(radians(degrees) / 2) ** 2;
  const part = half(other.lat - one.lat) + Math.cos(radians(one.lat)) * Math.cos(radians(other.lat)) * half(other.lon - one.lon);
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(part)));
}
