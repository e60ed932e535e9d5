/** Base64 that has one spelling only. Node's decoder skips what it does not know; what it writes again tells whether it did. */

/** Without padding, without blanks, unused bits zero (RFC 7515, section 2). The empty text is not accepted. */
export const isCanonicalBase64url = (text: unknown): text is string =>
  typeof text === "string" && text !== "" && Buffer.from(text, "base64url").toString("base64url") === text;

/** The bytes of base64 with its padding, unused bits zero; undefined for anything else. */
export const decodeCanonicalBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
};
