/** A pattern that matches one of the words, which are patterns themselves. `lists`: words with blanks between them. */
export const oneOf = (lists: readonly string[], flags = ""): RegExp =>
  new RegExp(`^(?:${lists.join(" ").split(" ").join("|")})$`, flags);
