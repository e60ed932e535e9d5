/**
 * When a Do-Not-Call is open: a known client asked for it, and OCS has not answered 200 since for that number, tenant and scope. A Do-Not-Call for
 * all of a tenant covers one for a campaign or a list of it. The index and the counter in memory both follow these rules.
 */
import type { Facts } from "./story.ts";
import { tokenNumber } from "./token.ts";

/** What of a request decides: whether it is a Do-Not-Call, whose it is, and for which number and scope. Tokens as numbers. */
export type DoNotCallFacts = {
  readonly facet: Pick<Facts, "action" | "tenant" | "client" | "resource">;
  readonly phone: number | null;
  readonly customer: number | null;
  readonly record: string | null;
  readonly campaign: string | null;
  readonly list: string | null;
};

/** "" for all of the tenant, and for all lists of the campaign. */
export type Scope = readonly [campaign: string, list: string];

/** `subject`: whose, and for which number. */
export type OpenDoNotCall = { readonly subject: string; readonly scope: Scope };

const ACTION = "DoNotCall";
const EVERYTHING: Scope = ["", ""];

/** As columns of the index: null for what the journal does not say. */
export const columnsOf = ({
  phone,
  customer,
  record,
  campaign,
  list,
}: Partial<Facts>): Omit<DoNotCallFacts, "facet"> => ({
  phone: tokenNumber(phone),
  customer: tokenNumber(customer),
  record: record ?? null,
  campaign: campaign ?? null,
  list: list ?? null,
});

/** What is open once this request was begun or refused. */
export const openedBy = (asked: DoNotCallFacts): OpenDoNotCall | undefined => {
  if (asked.facet.action !== ACTION || asked.facet.client === undefined) return undefined;
  const subject = subjectOf(asked, whoseOf(asked.facet));
  return subject === undefined ? undefined : { subject, scope: scopeOf(asked) };
};

/** What OCS's 200 for this request closes: of these subjects, every scope that this one covers. */
export const closedBy = (
  asked: DoNotCallFacts,
): { readonly subjects: readonly string[]; readonly scope: Scope } | undefined => {
  if (asked.facet.action !== ACTION) return undefined;
  // Where a client did not say for which of its tenants, its later Do-Not-Call for one of them is the same wish.
  const subjects = [whoseOf(asked.facet), whoseOf({ client: asked.facet.client })].flatMap(
    (whose) => subjectOf(asked, whose) ?? [],
  );
  return { subjects, scope: scopeOf(asked) };
};

export const isTaken = ({ origin, status }: Pick<Facts, "origin" | "status">): boolean =>
  origin === "ocs" && status === 200;

export const covers = (closed: Scope, open: Scope): boolean =>
  closed.every((part, at) => part === "" || part === open[at]);

const scopeOf = ({ campaign, list }: DoNotCallFacts): Scope =>
  campaign === null && list === null ? EVERYTHING : [campaign ?? "", list ?? ""];

const whoseOf = ({ tenant, client }: Pick<Facts, "tenant" | "client">): string =>
  tenant ? String(tenant.dbid) : `? ${client}`;

/** By token, or by handle where OCS knows the number and we do not. */
const subjectOf = ({ facet, phone, customer, record }: DoNotCallFacts, whose: string): string | undefined => {
  const [first, second] =
    facet.resource === "customer_ids"
      ? [named("customer", customer), named("phone", phone)]
      : [named("phone", phone), named("customer", customer)];
  const who = first ?? second ?? named("record", record);
  return who === undefined ? undefined : `${whose} ${who}`;
};

const named = (what: string, value: number | string | null): string | undefined =>
  value === null ? undefined : `${what} ${value}`;
