// Places as people type them, and how far it is from one to another as the crow flies.

const EARTH_KM = 6371;
const radians = (degrees) => (degrees * Math.PI) / 180;

const PLACE = /^\s*(-?\d+(?:\.\d+)?)\s*[,，;\s]\s*(-?\d+(?:\.\d+)?)\s*$/;
export const isTyped = (text) => PLACE.test(text);

// {lon, lat} of what is typed: latitude first, or longitude first where only that can be; null when it is no place.
export function typedPlace(text) {
  const [one, other] = (PLACE.exec(text) ?? []).slice(1).map(Number);
  if (Math.abs(one) <= 90 && Math.abs(other) <= 180) return { lon: other, lat: one };
  if (Math.abs(one) <= 180 && Math.abs(other) <= 90) return { lon: one, lat: other };
  return null;
}

// Kilometres between two places {lon, lat}: haversine, on a sphere.
export function straightKm(one, other) {
  const half = (degrees) => Math.sin(radians(degrees) / 2) ** 2;
  const part = half(other.lat - one.lat) + Math.cos(radians(one.lat)) * Math.cos(radians(other.lat)) * half(other.lon - one.lon);
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(part)));
}
