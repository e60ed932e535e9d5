/** What to do about one request: by its reason in the journal, else by the row of its refusal. */
import { REFUSALS } from "../gateway/refusals.ts";
import type { AuthFailure } from "../identity/credentials.ts";
import type { Fields } from "../journal/search/transaction.ts";
import type { ReasonWord } from "../ownership/ownership.ts";
import { refusalRow } from "./refusal-row.ts";
import { actionOf, repeatOf } from "./sentences.ts";

const NOTHING_SENT = "The same request may be sent again: nothing was sent to OCS.";

/** Undefined when there is nothing to do. */
export const whatToDo = (fields: Fields): string | undefined => {
  const { state, reason, suspected } = fields;
  if (state === "replayed") return undefined;
  if (suspected || state === "in-doubt") return adviceOnRepeat(fields);
  if (state === "no-answer")
    return [adviceOnRepeat(fields), operatorsPart(refusalRow(fields)?.advice)].join(" ").trim();
  if (state === "abandoned") return `${NOTHING_SENT} ${REFUSALS.abandoned.advice}`;
  const word = reason?.split(":", 1)[0] ?? "";
  const advice =
    ADVICE_ON_RECORDS[word] ??
    (ADVICE_ON_CREDENTIALS as Readonly<Record<string, string>>)[word] ??
    refusalRow(fields)?.advice;
  return repeatOf(fields) === undefined || advice === undefined || advice.includes(NOTHING_SENT)
    ? advice
    : `${advice} ${NOTHING_SENT}`;
};

const operatorsPart = (advice = ""): string => /Operator: .*$/.exec(advice)?.[0] ?? "";

/** For a request that was sent: what the client does before it sends the same one again. */
const adviceOnRepeat = (fields: Fields): string => {
  const repeat = repeatOf(fields);
  const action = actionOf(fields);
  if (!action || repeat === "no")
    return (
      "Do not send the same request again (Ocsgw-Repeat: no): it could be carried out twice. Look for the record " +
      "first: OCS may have it already."
    );
  if (repeat === "check-first")
    return (
      "Read the group's status before sending the request again (Ocsgw-Repeat: check-first); 409 on a repeat means " +
      "that the group was in that state already."
    );
  const again = "The same request may be sent again (Ocsgw-Repeat: safe)";
  if (fields.idempotency_key !== undefined)
    return `${again} with the same Idempotency-Key within 24 hours: the gateway does not send it to OCS a second time.`;
  if (action.method === "GET") return `${again}: it only reads.`;
  if (action.resource !== "records") return `${again}: doing it twice has the same effect as once.`;
  return action.finalizes
    ? `${again} as long as the handle belongs to the same call; 410 then means that the first request probably ` +
        "succeeded. If the reply said Ocsgw-Repeat: no, the handle no longer belonged to that call."
    : `${again} as long as the handle belongs to the same call: the values are overwritten.`;
};

/** By the word at the start of a record's reason. */
const ADVICE_ON_RECORDS: Readonly<Record<string, string>> & Readonly<Record<ReasonWord, string>> = {
  finished: "Nothing to do: the record was finished. A new call of the same person has another handle.",
  gone: "OCS has closed the record. Use the handle of the present call.",
  "call-ended":
    "The call has ended. Send what must still be recorded by phone number or customer id: " +
    "/phones/<number>?req=DoNotCall.",
  rejected: "The record was not dialed, so no client should have its handle.",
  "taken-back": "Ask the operator of the registrar; a handle that is still in use must be registered again.",
  reassigned: "OCS gave the handle to another record. Use the handle of the present call.",
  "epoch-ended":
    "Handles do not survive a switchover or a restart of OCS. Send a Do-Not-Call by phone number or customer id " +
    "instead.",
  foreign: "The handle belongs to another tenant. Find out which client asked and where it got the handle.",
  unknown:
    "Check that OCS's validation-uri points at this upstream's callbacks (ocsgw check -c FILE --connect), or that " +
    "the registrar registers the handle before its client uses it.",
  unconfirmed:
    `${NOTHING_SENT} OCS confirms its handles with the next record that it announces; a registrar registers them ` +
    "again with PUT; restart_grace skips this after a short restart.",
  storing: NOTHING_SENT,
  "in-flight": NOTHING_SENT,
  roles: `${NOTHING_SENT} ocsgw status -c FILE shows which OCS is reachable.`,
  disputed:
    "Compare the tenants' groups, campaigns and lists in the config with OCS: the alarm in the journal names what " +
    "contradicts.",
  "announced-again": "Send the request again: it will apply to the number that OCS announced last.",
  database:
    "Find out why this gateway does not reach the shared database (ocsgw nodes, /readyz). Send the request again " +
    "later, or to another gateway",
  "store-lost":
    "Earlier handles can be used again once OCS announces them; until then send a Do-Not-Call by phone number or " +
    "customer id.",
};

/** By the word at the start of a rejected credential's reason. */
const ADVICE_ON_CREDENTIALS: Readonly<Record<AuthFailure, string>> = {
  "no-credential": "Send the key as Basic (<client>:<key>) or X-Api-Key, or a token as Authorization: Bearer.",
  unreadable: "Correct the header that the reason names. A proxy in front of the gateway may have added it.",
  "token-malformed":
    "Compare the token with the one that the issuer gave: it was truncated or changed, or is no signed JWT.",
  "token-issuer": "Compare the token's iss with identity.jwt[].issuer, character by character.",
  "token-algorithm": "Compare the token's alg with identity.jwt[].algorithms and with the alg of the issuer's key.",
  "token-claims": "Compare the token's claims with identity.jwt[].claims.",
  "token-expired":
    "The client must fetch a new token in time. If the clocks differ, correct them; clock_skew allows for a little.",
  "token-not-yet-valid": "Compare the clocks of issuer and gateway; clock_skew allows for a little.",
  "token-lifetime":
    "Let the issuer make tokens with a shorter lifetime, or raise identity.jwt[].max_lifetime (30d at most).",
  "token-audience": "Ask the issuer for a token for this gateway: its aud must contain identity.jwt[].audience.",
  "token-key": "Look for the kid in the issuer's key set. A new key is fetched at most every 30 s.",
  "issuer-unavailable": REFUSALS["issuer-keys-unavailable"].advice,
  "token-signature":
    "The token was changed, or another key signed it. Ask the operator of the client where the token comes from.",
  "token-binding": "The token is valid only over a connection with the client certificate that it was issued for.",
  "key-unknown": "ocsgw keys list -c FILE shows the keys; ocsgw keys create -c FILE --client NAME makes one.",
  "key-expired": "Give the client a new key: ocsgw keys create -c FILE --client NAME.",
  "key-revoked":
    "Find out why the key was revoked. Then give the client a new key: ocsgw keys create -c FILE --client NAME.",
  "key-client": "Send as Basic's user the name of the client that the key belongs to.",
  "certificate-invalid":
    "Renew the client certificate, or correct listeners[].tls.client_ca and client_crl: the reason says what is wrong.",
  "certificate-client": "Correct the rules of identity.mtls, or let the client send a key or a token as well.",
  revoked:
    "Find out why the credential was revoked. Then give the client a new one, or reinstate this one: ocsgw " +
    "revoke -c FILE --reinstate with --token, --key, --certificate or --client and its id.",
  contradiction: "Send one credential, or several of one client.",
  "no-tenant":
    "Add the client to a tenant's clients, or its tenant to the tenants of its issuer, key or certificate rule.",
  "no-registrar": "Add the client, with its address, to upstreams.<name>.callbacks.registrars.",
  throttled: REFUSALS.throttled.advice,
};
