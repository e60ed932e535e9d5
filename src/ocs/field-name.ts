/**
 * The name of a user-defined field: whatever a site gave a calling list's column as its `send_attribute` ("client-id",
 * "First Name", "1-TIPO"). One grammar for request bodies and for the config.
 */
export const FIELD_NAME_EXPECTED =
  "the name of a user-defined field: 1 to 64 characters, no quotes or control characters, not beginning with GSW_";

/** Most names; these need no closer look. */
const PLAIN = /^(?![Gg][Ss][Ww]_)[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** \p{C}: control, format (characters that nobody sees), private and unassigned characters, lone surrogates. */
const REFUSED = /[\p{C}\p{Zl}\p{Zp}"'`\u2018-\u201f\u00b4]/u;
const RESERVED = /^gsw_/i;
const LONGEST = 64;

/** As another reader may take the name: compatible forms are one (full-width letters), blanks around it do not count. */
export const foldedFieldName = (name: string): string => (PLAIN.test(name) ? name : name.normalize("NFKC").trim());

/** True for GSW_ in any case and in any compatible form. */
export const isReservedName = (name: string): boolean => RESERVED.test(name) || RESERVED.test(foldedFieldName(name));

export const isFieldName = (name: string): boolean => {
  if (PLAIN.test(name)) return true;
  if (name.length > LONGEST * 2 || REFUSED.test(name)) return false;
  const folded = foldedFieldName(name);
  return folded !== "" && !REFUSED.test(folded) && Array.from(name).length <= LONGEST && !RESERVED.test(folded);
};
