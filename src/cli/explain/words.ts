/** One request in plain words: what happened, and what its client does now. */
import { REFUSALS } from "../../gateway/refusals.ts";
import { mayBeRepeated, type Repeat } from "../../gateway/repeat.ts";
import type { Facts } from "../../journal/story.ts";
import { ACTIONS, type Action } from "../../ocs/catalog.ts";
import type { AuthFailure } from "../../tenants/credential.ts";
import type { ReasonWord } from "../../tenants/ownership.ts";

const TITLES: ReadonlyMap<string, string> = new Map(Object.values(REFUSALS).map(({ code, title }) => [code, title]));

export const whatHappened = (facts: Facts): string => {
  switch (facts.state) {
    case "ok":
      return facts.suspected
        ? "OCS answered 200, and more came than that answer: it may be the answer to another request."
        : "OCS took it.";
    case "ocs-no":
      return `OCS answered ${facts.status}: ${reading(facts)}.`;
    case "no-answer":
      return `It was sent, and no whole answer came: ${TITLES.get(facts.code ?? "") ?? "OCS may have carried it out"}. The gateway did not repeat it.`;
    case "in-doubt":
      return "It was meant to be sent, and the gateway's process ended before it could say what became of it. OCS may have carried it out, or never have seen it.";
    case "open":
      return "It was meant to be sent, and nothing is in the journal yet of what became of it.";
    case "abandoned":
      return "The client hung up while its request waited for a lane. It was not sent to OCS.";
    default:
      return `The gateway refused it: ${TITLES.get(facts.code ?? "") ?? facts.code}${why(facts)}. It was not sent to OCS.`;
  }
};

/** What the client was not told. */
const why = ({ reason }: Facts): string => (reason === undefined ? "" : ` (${reason.replace(/^[a-z-]+: /, "")})`);

/** What OCS means by a status, which depends on what was asked. */
const reading = ({ status, warning, resource, action }: Facts): string => {
  switch (status) {
    case 400:
      return "it refused the request; its own words are in the client's reply";
    case 404:
      return resource === "campaigngroups" ? "it does not know this group" : "it does not know this list or campaign";
    case 409:
      return resource === "lists" || action === "AddRecord"
        ? "the record was not inserted: its DB Server is down, or SQL refused it"
        : "the group is in that state already, or cannot get there from the one it is in";
    case 410:
      return resource === "campaigngroups"
        ? "the group is configured, and not active"
        : resource === "records" || warning === 112
          ? "the handle is unknown or stale: the record was finished, or timed out"
          : "no record was found for it";
    case 500:
      return "an error of its own: ask who runs OCS, with the time and the request id";
    default:
      return "the manual does not have this status here";
  }
};

/** Whether the same request may be sent again, by the action table; undefined where that is not in question. */
export const repeatOf = (facts: Facts): Repeat | undefined => {
  const { state, code } = facts;
  if (state === "no-answer" || state === "in-doubt" || facts.suspected) return actionOf(facts)?.repeat ?? "no";
  return state === "abandoned" || (state === "refused" && mayBeRepeated(code)) ? "safe" : undefined;
};

const actionOf = ({ resource, action }: Facts): Action | undefined =>
  ACTIONS.find((each) => each.resource === resource && each.name === action);

/** Of a request that was sent: what the client does before it sends the same one again. */
const repeatSent = (facts: Facts): string => {
  const repeat = repeatOf(facts);
  const action = actionOf(facts);
  if (!action || repeat === "no")
    return "Do not send the same request again (Ocsgw-Repeat: no): it may happen twice. Look for the record first: it may be there already.";
  if (repeat === "check-first")
    return "Read the group's status before sending it again (Ocsgw-Repeat: check-first); 409 on a repeat means: already so.";
  const again = "The same request may be sent again (Ocsgw-Repeat: safe)";
  if (action.method === "GET") return `${again}: it only reads.`;
  if (action.resource !== "records") return `${again}: the end state is the same.`;
  return action.finalizes
    ? `${again} as long as the handle is the same call's, and 410 then means: probably done the first time. With Ocsgw-Repeat: no in the reply it was no longer.`
    : `${again} as long as the handle is the same call's: the values are written over.`;
};

const NOTHING_SENT = "The same request may be sent again: nothing was sent to OCS.";

/** Several refusals may share a code; the status tells them apart, or else the first one's advice serves for all. */
const adviceOn = ({ code, status }: Facts): string | undefined => {
  const rows = Object.values(REFUSALS).filter((row) => row.code === code);
  return (rows.find((row) => row.status === status) ?? rows[0])?.advice;
};

const ANNOUNCE =
  "Check that OCS's validation-uri points at this upstream's callbacks (ocsgw check --connect), or that the registrar names the handle before its client uses it.";
const ASK_AGAIN = NOTHING_SENT;

/** By the word in front of a record's reason. */
const ADVICE_ON_RECORDS: Readonly<Record<string, string>> & Readonly<Record<ReasonWord, string>> = {
  finished: "Nothing is to be done: the record was finished. A new call of the same person has another handle.",
  gone: "The record is over at OCS. Use the handle of the present call.",
  "call-ended":
    "The call is over. Send what must still be recorded by phone number or customer id: /phones/<number>?req=DoNotCall.",
  rejected: "The record was not dialed, so no client should have its handle.",
  "taken-back": "Ask who runs the registrar; a handle that is still used has to be named again.",
  reassigned: "OCS gave the handle to another record. Use the handle of the present call.",
  "epoch-ended":
    "Handles do not survive a switchover or a restart of OCS. Send a Do-Not-Call by phone number or customer id instead.",
  foreign: "Check which client asked and where it has the handle from: it belongs to another tenant.",
  unknown: ANNOUNCE,
  unconfirmed: `${ASK_AGAIN} OCS confirms its handles with the next record that it announces; a registrar names them again with PUT; restart_grace skips this after a short restart.`,
  storing: ASK_AGAIN,
  "in-flight": ASK_AGAIN,
  roles: `${ASK_AGAIN} ocsgw status tells which OCS is reachable.`,
  disputed:
    "Compare the tenants' groups, campaigns and lists in the config with OCS: the alarm entry in the journal names what contradicts.",
  "announced-again": "Send the request again: it will be for the number that OCS announces now.",
  "store-lost":
    "Handles of before are used again when OCS announces them; until then send a Do-Not-Call by phone number or customer id.",
};

/** What to do about a rejected credential, by the word in front of its reason. */
const ADVICE_ON_CREDENTIALS: Readonly<Record<AuthFailure, string>> = {
  "no-credential": "Send the key as Basic (<client>:<key>) or X-Api-Key, or a token as Authorization: Bearer.",
  unreadable: "Correct the header that the reason names. A proxy in front of the gateway may have added it.",
  "token-malformed": "Compare the token with the one that the issuer gave: it was cut or changed, or is no signed JWT.",
  "token-issuer": "Compare the token's iss with identity.jwt[].issuer, character by character.",
  "token-algorithm": "Compare the token's alg with identity.jwt[].algorithms and with the alg of the issuer's key.",
  "token-claims": "Compare the token's claims with identity.jwt[].claims.",
  "token-expired":
    "The client must fetch a new token in time. If the clocks differ, correct them; clock_skew allows for a little.",
  "token-not-yet-valid": "Compare the clocks of issuer and gateway; clock_skew allows for a little.",
  "token-lifetime": "Let the issuer make tokens that live shorter, or raise identity.jwt[].max_lifetime (30d at most).",
  "token-audience": "Ask the issuer for a token for this gateway: its aud must hold identity.jwt[].audience.",
  "token-key": "Look for the kid in the issuer's key set. A new key is fetched at most every 30 s.",
  "issuer-unavailable": REFUSALS["no-keys"].advice,
  "token-signature":
    "The token was changed, or another key signed it. Ask who runs the client where the token comes from.",
  "token-binding": "The token counts only over a connection with the client certificate that it was issued for.",
  "key-unknown": "ocsgw keys list shows the keys; ocsgw keys create --client NAME makes one.",
  "key-expired": "Give the client a new key: ocsgw keys create --client NAME.",
  "key-revoked": "Give the client a new key: ocsgw keys create --client NAME. Ask first why the old one was revoked.",
  "key-client": "Send as Basic's user the name of the client that the key belongs to.",
  "certificate-invalid":
    "Renew the client certificate, or correct listeners[].tls.client_ca and client_crl: the reason says what is wrong.",
  "certificate-client": "Correct the rules of identity.mtls, or let the client send a key or a token besides.",
  revoked:
    "Give the client a new credential, or reinstate this one with ocsgw revoke --lift, once it is known why it was revoked.",
  contradiction: "Send one credential, or several of one client.",
  "no-tenant":
    "Add the client to a tenant's clients, or its tenant to the tenants of its issuer, key or certificate rule.",
  "no-registrar": "Add the client, with its address, to upstreams.<name>.callbacks.registrars.",
  throttled: REFUSALS.throttled.advice,
};

/** Undefined when there is nothing to be done. */
export const whatToDo = (facts: Facts): string | undefined => {
  const { state, reason, suspected } = facts;
  if (suspected || state === "no-answer" || state === "in-doubt") return repeatSent(facts);
  if (state === "abandoned") return `${NOTHING_SENT} ${REFUSALS.abandoned.advice}`;
  const word = reason?.split(":", 1)[0] ?? "";
  const advice =
    ADVICE_ON_RECORDS[word] ?? (ADVICE_ON_CREDENTIALS as Readonly<Record<string, string>>)[word] ?? adviceOn(facts);
  return repeatOf(facts) === undefined || advice === undefined || advice.includes(NOTHING_SENT)
    ? advice
    : `${advice} ${NOTHING_SENT}`;
};
