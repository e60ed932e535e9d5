/** The config line that decided a request, in today's file, and whether that file was in force at the time. */
import { readSetting, settingText } from "../gateway/deciding-setting.ts";
import { fieldsOf, type Fields, type Transaction } from "../journal/search/transaction.ts";
import type { Path } from "../settings/problems/problem.ts";
import type { Settings } from "../settings/schema/schema.ts";
import type { Asks } from "./ask.ts";

export type Decision = {
  readonly rule: string;
  /** `file:line:column`; undefined where the place is not known, or not yet. */
  readonly at: string | undefined;
  /** Hashes of the config file, then and now; `hashThen` is undefined when the journal does not have it. */
  readonly hashThen: string | undefined;
  readonly hashNow: string;
};

/** The config of today. */
export type ConfigNow = {
  readonly settings: Pick<Settings, "tenants">;
  readonly hash: string;
  /** How a path is written in its file, and its place; undefined where no place is known, or not yet. */
  readonly locate: (path: Path) => Promise<Pick<Decision, "rule" | "at"> | undefined>;
};

/** Undefined when no config line decided, or when the journal does not say which one. */
export const decisionOf = async (
  transaction: Transaction,
  searcher: Asks,
  { settings, hash, locate }: ConfigNow,
): Promise<Decision | undefined> => {
  const path = pathOf(fieldsOf(transaction), settings);
  if (!path) return undefined;
  const { rule, at } = (await locate(path)) ?? { rule: settingText(path), at: undefined };
  return { rule, at, hashThen: await hashAt(transaction, searcher), hashNow: hash };
};

const pathOf = ({ tenant, client, setting, state }: Fields, { tenants }: ConfigNow["settings"]): Path | undefined => {
  const place = tenants.findIndex(({ name, clients }) =>
    tenant === undefined ? client !== undefined && Object.hasOwn(clients, client) : name === tenant.name,
  );
  const decided = setting === undefined ? undefined : readSetting(setting);
  // The tenant may have another place in today's file.
  if (decided?.[0] === "tenants") return place < 0 ? undefined : ["tenants", place, ...decided.slice(2)];
  if (decided || state === "refused" || place < 0) return decided;
  if (state === "no-answer") return ["upstreams", tenants[place]!.upstream];
  return client === undefined ? undefined : ["tenants", place, "clients", client, "actions"];
};

const hashAt = async (transaction: Transaction, { ask }: Asks): Promise<string | undefined> => {
  const { config, at } = fieldsOf(transaction);
  if (config !== undefined) return config;
  const [before] =
    (await ask({ kind: "page", filter: "kind:start,config", names: [], before: at, limit: 1 })).transactions ?? [];
  return before && fieldsOf(before).config;
};
