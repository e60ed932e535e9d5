/** Events of credentials: the keys of token issuers, revocations, and logins to the console. */
import { error, number, optional, text, type EventRows } from "../event-row.ts";

const issuer = text("the issuer's name in the config");
const decision = {
  kind: text("token, key, certificate or client"),
  id: text("its id"),
} as const;

export const IDENTITY_EVENTS = {
  issuerKeysUnavailable: {
    level: "warn",
    message:
      "The keys of issuer {issuer} could not be fetched ({reason}): tokens signed with keys fetched earlier are " +
      "accepted for a limited time, all others of this issuer get 503 OCSGW-2003",
    action:
      "Check jwks_uri, the issuer, DNS and the network; the gateway retries every minute. ocsgw status -c FILE shows " +
      "how long the earlier keys are accepted",
    fields: { issuer, reason: text("why the fetch failed") },
  },
  issuerKeysRecovered: {
    level: "info",
    message: "The keys of issuer {issuer} could be fetched again",
    fields: { issuer },
  },
  issuerKeyIgnored: {
    level: "warn",
    message: "The gateway does not use a key of issuer {issuer}: {reason}",
    action:
      "Nothing to do for a key that signs no tokens, such as one for encryption. Tokens signed with it get 401 " +
      "OCSGW-2001: ask the issuer to correct its key set",
    fields: { issuer, reason: text("the key's id and why it is not used") },
  },
  issuerKeyCacheDisabled: {
    level: "warn",
    message:
      "The gateway does not keep issuers' keys on disk: audit.checkpoint.key ({key}) is inside audit.dir, so " +
      "anybody who can write there could add keys",
    action:
      "Move the key file out of audit.dir and set audit.checkpoint.key to its new path. Until then, a gateway that " +
      "restarts while an issuer is unreachable answers that issuer's tokens with 503 OCSGW-2003",
    fields: { key: text("path of audit.checkpoint.key") },
  },
  issuerKeyCacheRejected: {
    level: "error",
    message: "The gateway does not use the keys of issuer {issuer} that it finds on disk: {reason}",
    action:
      "After an update of the gateway or a change of the checkpoint key, do nothing; otherwise find out who changed " +
      "the file. Tokens of this issuer get 503 OCSGW-2003 until the gateway has fetched its keys",
    fields: { issuer, reason: text("what is wrong with the file") },
  },
  issuerKeyCacheNotWritten: {
    level: "warn",
    message: "The keys of issuer {issuer} are in use but could not be saved to disk: {reason}",
    action:
      "Free disk space or correct the permissions of audit.dir. Until then, a gateway that restarts while the " +
      "issuer is unreachable answers its tokens with 503 OCSGW-2003",
    fields: { issuer, reason: text("why the file could not be written") },
  },
  credentialRevoked: {
    level: "warn",
    message: "Revoked the {kind} {id}; requests with it get 401 OCSGW-2001 from now on",
    action: "If this was not intended, find out who used ocsgw revoke or wrote to the revocations file",
    fields: { ...decision, until: optional(text("when the revocation ends; absent when it never ends")) },
  },
  credentialReinstated: {
    level: "warn",
    message: "Reinstated the {kind} {id}; the gateway accepts it again",
    action: "If this was not intended, find out who used ocsgw revoke --reinstate, and revoke it again",
    fields: decision,
  },
  revocationsUnavailable: {
    level: "error",
    message:
      "The gateway could not read or write the revocations file, or could not write a revocation to the journal: " +
      "{reason}",
    action:
      "Free disk space or correct the permissions of audit.dir. Everything that was revoked stays revoked; the " +
      "gateway retries what it could not write",
    fields: { reason: text("why it failed"), error: error("the error and where it was thrown") },
  },
  revocationsFileRestored: {
    level: "error",
    message:
      "The revocations file had lost revocations; the gateway restored it from the journal, and all of them apply: " +
      "{detail}",
    action: "Find out what changed the file: a program, an editor, or a copy from a backup",
    fields: { detail: text("what was missing") },
  },
  reinstatementRejected: {
    level: "error",
    message:
      "The gateway ignores a reinstatement in the revocations file that the journal does not have, and the " +
      "credential stays revoked: {detail}",
    action: "Find out who wrote to the file",
    fields: { detail: text("what stays revoked, and how to reinstate it") },
  },
  oidcUnavailable: {
    level: "warn",
    message: "The OpenID provider {issuer} cannot be used, so nobody can log in to the console through it: {reason}",
    action:
      "Check admin.oidc.issuer and ca, DNS and the network; ocsgw check -c FILE --connect asks the provider. Users " +
      "of admin.users and holders of the admin token can log in meanwhile",
    fields: { issuer: text("admin.oidc.issuer"), reason: text("why it cannot be used") },
  },
  oidcRecovered: {
    level: "info",
    message: "The OpenID provider {issuer} can be used again",
    fields: { issuer: text("admin.oidc.issuer") },
  },
  oidcLoginRejected: {
    level: "warn",
    message: "The gateway rejected a login to the console through the OpenID provider: {reason}",
    action:
      "invalid_client: compare client_id, client_secret and client_auth with the provider's. A missing claim or one " +
      "that gives nothing: correct admin.oidc.claims and roles, or what the provider puts into the ID token. A wrong " +
      "time: compare the clocks",
    fields: { reason: text("what was wrong; never a value of a claim") },
  },
  loginsNotRecorded: {
    level: "error",
    message: "The journal could not record {count} failed logins or logouts of the console: {error}",
    action: "Free disk space or correct the permissions of audit.dir; nobody can log in to the console until then",
    fields: { count: number("how many were not recorded"), error: error("why it failed") },
  },
} as const satisfies EventRows;
