/**
 * Patterns in which `*` matches any characters. Matching takes linear time, without backtracking: each part between two
 * stars is searched once, from left to right.
 */

/** `least`: minimum number of characters that each `*` matches. Case-sensitive. */
export const wildcard = (pattern: string, least = 0): ((text: string) => boolean) => {
  const [first = "", ...others] = pattern.split("*");
  const last = others.pop();
  if (last === undefined) return (text) => text === pattern;
  const shortest = pattern.length - (others.length + 1) + (others.length + 1) * least;
  return (text) => {
    if (text.length < shortest || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length - least;
    let at = first.length;
    for (const part of others) {
      // The leftmost match leaves the most room for the following parts.
      const found = text.indexOf(part, at + least);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= end;
  };
};
