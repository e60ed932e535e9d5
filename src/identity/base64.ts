/** Base64 in one spelling, strictly. Node's decoder skips what it does not know; what it writes again tells whether it did. */

/** Without padding, without blanks, unused bits zero (RFC 7515, section 2). The empty text is not accepted. */
export const isCanonicalBase64url = (text: unknown): text is string =>
  typeof text === "string" && text !== "" && Buffer.from(text, "base64url").toString("base64url") === text;

/** The bytes of base64 with its padding or without any, unused bits zero; undefined for anything else. */
export const decodeCanonicalBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, "base64");
  const written = bytes.toString("base64");
  return written === text || written.replace(/=+$/, "") === text ? bytes : undefined;
};
