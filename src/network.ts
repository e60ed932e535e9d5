/** Addresses as limits count them. */

/** One holder of IPv6 addresses has a /64 of them at least. */
export const networkOf = (source: string): string => {
  if (!source.includes(":") || source.startsWith("::ffff:")) return source;
  const [before = [], after = []] = source.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
};
