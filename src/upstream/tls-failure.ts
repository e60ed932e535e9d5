/** Why TLS to an OCS failed, in words that an operator can act on: OpenSSL's own are codes, of which one is "UNSPECIFIED". */

const NO_TLS = "what answers there does not speak TLS: is it OCS's http port?";
const OLD = "OCS speaks no version of TLS that is allowed here; tls.min_version can allow an older one";
const NO_AUTHORITY = "no authority in tls.ca vouches for OCS's certificate";
const WEAK =
  "OCS's certificate or key exchange is weaker than allowed; tls.ciphers can allow it, as in DEFAULT@SECLEVEL=0";

/** By the code of Node's error. */
const WORDS: readonly (readonly [code: RegExp, words: string])[] = [
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|BAD_RECORD_TYPE/, NO_TLS],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, OLD],
  [
    /HANDSHAKE_FAILURE/,
    "OCS and the gateway have no cipher suite in common, or OCS wants a client certificate; see tls.ciphers, tls.cert and tls.key",
  ],
  [
    /CERTIFICATE_REQUIRED|ALERT_(?:BAD|UNKNOWN|UNSUPPORTED)_C(?:ERTIFICATE|A)|ALERT_CERTIFICATE/,
    "OCS does not accept the gateway's certificate, or wants one; see tls.cert and tls.key",
  ],
  [/TOO_SMALL|TOO_WEAK|INSUFFICIENT_SECURITY/, WEAK],
  [
    /UNSAFE_LEGACY_RENEGOTIATION/,
    "OCS does not know secure renegotiation (RFC 5746), without which no connection is made",
  ],
  [/SELF_SIGNED|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY/, NO_AUTHORITY],
  [/^CERT_HAS_EXPIRED$/, "OCS's certificate, or one above it, has expired"],
  [/^CERT_NOT_YET_VALID$/, "OCS's certificate, or one above it, is not valid yet"],
  [/^CERT_REVOKED$/, "OCS's certificate was revoked"],
  [/CRL/, "the revocation lists in tls.crl have expired, or miss an authority of OCS's certificate"],
  [/INVALID_PURPOSE/, "OCS's certificate is not one for servers"],
  [
    /ALTNAME/,
    "OCS's certificate is for another name; tls.server_name says which, or tls.pins name its key in place of a name",
  ],
];

/** Of errors without a code of their own, OpenSSL's sentence tells which kind they are. */
const SENTENCES: readonly (readonly [sentence: RegExp, words: string])[] = [[/too weak|too small|md too weak/i, WEAK]];

/** One sentence, with OpenSSL's word behind it. */
export const inWords = (error: Error): string => {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const known =
    WORDS.find(([pattern]) => code !== "UNSPECIFIED" && pattern.test(code)) ??
    SENTENCES.find(([pattern]) => pattern.test(error.message));
  if (code === "") return known?.[1] ?? error.message;
  // What OpenSSL prints of its own sources helps nobody.
  const said = code === "UNSPECIFIED" || !code.startsWith("ERR_SSL_") ? error.message.split("\n")[0]! : undefined;
  const detail = code === "UNSPECIFIED" ? said! : code;
  return known
    ? `${known[1]} (${detail})`
    : `TLS to OCS failed: ${said === undefined || said === detail ? detail : `${said} (${detail})`}`;
};
