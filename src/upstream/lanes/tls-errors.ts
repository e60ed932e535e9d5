/** Translates OpenSSL's error codes to sentences that tell an operator why TLS to an OCS failed and what to do. */

const NO_TLS = "the server at this address does not speak TLS: is it OCS's http port?";
const OLD = "OCS supports no version of TLS that is allowed here; to allow an older one, set tls.min_version";
const UNKNOWN_CA = "OCS's certificate was not issued by a CA in tls.ca";
const WEAK =
  "OCS's certificate or key exchange is weaker than allowed; to allow it, set tls.ciphers, as in DEFAULT@SECLEVEL=0";

/** Sentences by the code of Node's error. */
const BY_CODE: readonly (readonly [code: RegExp, sentence: string])[] = [
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|BAD_RECORD_TYPE/, NO_TLS],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, OLD],
  [
    /HANDSHAKE_FAILURE/,
    "OCS and the gateway have no cipher suite in common, or OCS requires a client certificate; " +
      "see tls.ciphers, tls.cert and tls.key",
  ],
  [
    /CERTIFICATE_REQUIRED|ALERT_(?:BAD|UNKNOWN|UNSUPPORTED)_C(?:ERTIFICATE|A)|ALERT_CERTIFICATE/,
    "OCS requires a client certificate or rejected the gateway's; see tls.cert and tls.key",
  ],
  [/TOO_SMALL|TOO_WEAK|INSUFFICIENT_SECURITY/, WEAK],
  [/UNSAFE_LEGACY_RENEGOTIATION/, "OCS does not support secure renegotiation (RFC 5746), which the gateway requires"],
  [/SELF_SIGNED|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY/, UNKNOWN_CA],
  [/^CERT_HAS_EXPIRED$/, "OCS's certificate, or a CA certificate of its chain, has expired"],
  [/^CERT_NOT_YET_VALID$/, "OCS's certificate, or a CA certificate of its chain, is not valid yet"],
  [/^CERT_REVOKED$/, "OCS's certificate was revoked"],
  [/CRL/, "the CRLs in tls.crl have expired, or the one of OCS's issuer is missing"],
  [/INVALID_PURPOSE/, "OCS's certificate is not a server certificate (extended key usage)"],
  [/ALTNAME/, "OCS's certificate is for another name; set tls.server_name to that name, or pin its key in tls.pins"],
];

/** Sentences by OpenSSL's message, for errors with the code UNSPECIFIED or none. */
const BY_MESSAGE: readonly (readonly [message: RegExp, sentence: string])[] = [
  [/too weak|too small|md too weak/i, WEAK],
];

/** One sentence, followed by OpenSSL's code or message. */
export const describeTlsError = (error: Error): string => {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const known =
    BY_CODE.find(([pattern]) => code !== "UNSPECIFIED" && pattern.test(code)) ??
    BY_MESSAGE.find(([pattern]) => pattern.test(error.message));
  if (code === "") return known?.[1] ?? error.message;
  // OpenSSL's own message names its source lines.
  const message = code === "UNSPECIFIED" || !code.startsWith("ERR_SSL_") ? error.message.split("\n")[0]! : undefined;
  const detail = code === "UNSPECIFIED" ? message! : code;
  return known
    ? `${known[1]} (${detail})`
    : `TLS to OCS failed: ${message === undefined || message === detail ? detail : `${message} (${detail})`}`;
};
