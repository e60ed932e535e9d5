/** Events of credentials: the keys of token issuers, revocations, and logins to the console. */
import { error, number, optional, text, type EventRows } from "../event-row.ts";

const issuer = text("the issuer's name in the config");
const decidedAt = optional(text("the gateway that decided it, where several share a database"));
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
      "Check jwks_uri, the issuer, DNS and the network. The gateway retries every minute and repeats this line until " +
      "it works (issuerKeysRecovered). ocsgw status -c FILE shows how long the earlier keys are accepted",
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
      "OCSGW-2001: ask the issuer to correct its key set, or, if no algorithm fits the key, add its algorithm to the " +
      "issuer's algorithms in identity.jwt",
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
      "Requests with tokens of this issuer wait while the gateway fetches its keys, which it tries now, and get 503 " +
      "OCSGW-2003 only if that fails. If the file cannot be read, correct its permissions. After an update of the " +
      "gateway, or a change of the checkpoint key, the issuer or jwks_uri, do nothing; otherwise find out who " +
      "changed the file",
    fields: { issuer, reason: text("what is wrong with the file") },
  },
  issuerKeyCacheNotWritten: {
    level: "warn",
    message: "The keys of issuer {issuer} are in use but could not be saved to disk: {reason}",
    action:
      "Free disk space or correct the permissions of audit.dir; the gateway saves them when it fetches them again, " +
      "within 6 minutes. Until then, a gateway that restarts while the issuer is unreachable answers its tokens with " +
      "503 OCSGW-2003",
    fields: { issuer, reason: text("why the file could not be written") },
  },
  credentialRevoked: {
    level: "warn",
    message: "Revoked the {kind} {id}; requests with it get 401 OCSGW-2001 from now on",
    action:
      "If this was not intended, find out who used ocsgw revoke or wrote to the revocations file, and run ocsgw " +
      "revoke -c FILE --reinstate",
    fields: {
      ...decision,
      until: optional(text("when the revocation ends; absent when it never ends")),
      node: decidedAt,
    },
  },
  credentialReinstated: {
    level: "warn",
    message: "Reinstated the {kind} {id}; the gateway accepts it again",
    action: "If this was not intended, find out who used ocsgw revoke --reinstate, and revoke it again",
    fields: { ...decision, node: decidedAt },
  },
  revocationsNotShared: {
    level: "error",
    message:
      "Revocations are not shared with the other gateways, because the shared database does not answer: {reason}. " +
      "The last known ones stay in force, and a new one is in force on the gateway that decided it",
    action: "Restore the database. In an emergency, run ocsgw revoke -c FILE on the machine of each gateway",
    fields: { reason: text("why the database does not answer") },
  },
  revocationsSharedAgain: {
    level: "info",
    message: "Revocations are shared with the other gateways again; all changes are applied here",
    fields: {},
  },
  revocationsUnavailable: {
    level: "error",
    message:
      "The gateway could not read or write the revocations file, or could not write a revocation to the journal: " +
      "{reason}. Every revoked credential stays revoked; a reinstatement that could not be written has no effect",
    action:
      "Free disk space or correct the permissions of audit.dir, and repeat a reinstatement. The gateway retries what " +
      "else it could not write",
    fields: { reason: text("why it failed"), error: error("the error and where it was thrown") },
  },
  revocationsFileRestored: {
    level: "error",
    message:
      "The revocations file was damaged or incomplete; the gateway wrote it again from the journal. Every credential " +
      "that the journal revokes stayed revoked: {detail}",
    action: "Find out what changed the file: a program, an editor, or a copy from a backup",
    fields: { detail: text("what was wrong with the file, and how many revocations were missing") },
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
      "Requests of clients are served as usual. Check admin.oidc.issuer and ca, DNS and the network; ocsgw check -c " +
      "FILE --connect asks the provider. The gateway asks it again at the next login. Users of admin.users and " +
      "holders of the admin token can log in meanwhile",
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
      "If the provider could not be asked, see oidcUnavailable. invalid_client: compare client_id, client_secret and " +
      "client_auth with the provider's. A missing claim or one that gives nothing: correct admin.oidc.claims and " +
      "roles, or what the provider puts into the ID token. A wrong time: compare the clocks",
    fields: { reason: text("what was wrong; never a value of a claim") },
  },
  loginsNotRecorded: {
    level: "error",
    message: "{count} failed logins or logouts of the console are missing from the journal for good: {error}",
    action:
      "Free disk space or correct the permissions of audit.dir. Nobody can log in to the console until then; open " +
      "sessions go on. What clients get depends on audit.on_failure: see journalUnavailable in this log",
    fields: { count: number("how many were not recorded"), error: error("why it failed") },
  },
  peerRejected: {
    level: "warn",
    message: "A request in the name of the node {node} was rejected ({source}): {reason}",
    action:
      "If it is one of your nodes: give all of them the same shared.peers.common_key, or certificates of the CA in " +
      "shared.peers.tls that name the node or the host of its address. Otherwise find out who sends it. The line " +
      "is written at most every 10 s",
    fields: {
      node: text("the node's name, as the request says"),
      source: text("the address that sent it"),
      reason: text("why its credential is not valid"),
    },
  },
} as const satisfies EventRows;
