/**
 * The names of user-defined fields: the `send_attribute` of a calling list's column, chosen by the site ("client-id",
 * "First Name", "1-TIPO"). Request bodies and the config use the same rules.
 */
export const FIELD_NAME_EXPECTED =
  "the name of a user-defined field: 1 to 64 characters, no quotes or control characters, not beginning with GSW_";

/** Matches most names quickly; they need no further check. */
const PLAIN = /^(?![Gg][Ss][Ww]_)[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** \p{C}: control, format (invisible), private and unassigned characters, lone surrogates. */
const REFUSED = /[\p{C}\p{Zl}\p{Zp}"'`\u2018-\u201f\u00b4]/u;
const RESERVED = /^gsw_/i;
const LONGEST = 64;

/** The name as other software may normalize it: NFKC (such as full-width letters), without surrounding blanks. */
export const foldedFieldName = (name: string): string => (PLAIN.test(name) ? name : name.normalize("NFKC").trim());

/** True for a name that begins with GSW_, ignoring case, also after normalization. */
export const isReservedName = (name: string): boolean => RESERVED.test(name) || RESERVED.test(foldedFieldName(name));

export const isFieldName = (name: string): boolean => {
  if (PLAIN.test(name)) return true;
  if (name.length > LONGEST * 2 || REFUSED.test(name)) return false;
  const folded = foldedFieldName(name);
  return folded !== "" && !REFUSED.test(folded) && Array.from(name).length <= LONGEST && !RESERVED.test(folded);
};
