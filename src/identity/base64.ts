/**
 * Base64 in its canonical form only. Node's decoder skips unknown characters, so the decoded bytes are encoded again
 * and compared.
 */

/** Without padding, without blanks, unused bits zero (RFC 7515, section 2). False for the empty text. */
export const isCanonicalBase64url = (text: unknown): text is string =>
  typeof text === "string" && text !== "" && Buffer.from(text, "base64url").toString("base64url") === text;

/** The bytes of base64 with all of its padding or none, unused bits zero; undefined for anything else. */
export const decodeCanonicalBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, "base64");
  const canonical = bytes.toString("base64");
  return canonical === text || canonical.replace(/=+$/, "") === text ? bytes : undefined;
};
