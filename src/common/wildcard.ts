/**
 * Patterns in which `*` stands for any characters. Matching takes time in proportion to text and pattern, whatever
 * they are: each part between two stars is looked for once, from left to right, and nothing is tried again.
 */

/** `least`: how many characters each `*` stands for at least. Upper and lower case differ. */
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
      // The leftmost place leaves the most room for the parts behind it.
      const found = text.indexOf(part, at + least);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= end;
  };
};
