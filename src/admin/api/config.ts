/** The config: what is in force, what was, what is on disk, and its reload. */
import { z } from "zod";
import { cursorOf } from "../../journal/search/to-json.ts";
import type { AuditParts } from "../audit-parts.ts";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import { Reloaded, ReloadRefused } from "../schemas/config.ts";
import { ConfigCheck, ConfigDifferences, ConfigHistory, EffectiveConfig } from "../schemas/config-view.ts";
import type { Reply } from "../../common/message.ts";
import { configChanges } from "./config-history.ts";
import { cursor, limit, pageAt, text } from "./parameters.ts";

/** Reads the config again and resolves to the outcome: what has changed, or why it was rejected. */
export type Reload = (options: {
  readonly dryRun?: boolean;
  readonly user?: string;
}) => Promise<{ readonly outcome: string }>;

/** Why the config cannot be shown, for people. */
export class ConfigUnavailable extends Error {
  override readonly name = "ConfigUnavailable";
}

type Rows = {
  readonly find: string;
  readonly section: string | undefined;
  readonly after: number;
  readonly limit: number;
};

type Deep<Value> = Value extends object ? { readonly [Key in keyof Value]: Deep<Value[Key]> } : Value;

type Checked = Deep<Omit<ConfigCheck, "file" | "in_force" | "state">> & {
  readonly same: boolean;
  readonly valid: boolean;
};

/** `rows`, `check` and `differences` reject with ConfigUnavailable. */
export type ConfigParts = {
  readonly file: string;
  /** Of the config in force. */
  readonly hash: () => string;
  readonly sections: readonly string[];
  readonly rows: (
    query: Rows,
  ) => Promise<{ readonly rows: Deep<EffectiveConfig["rows"]>; readonly next: number | undefined }>;
  readonly check: () => Promise<Checked>;
  readonly differences: (from: string, to: string) => Promise<Deep<Omit<ConfigDifferences, "from" | "to">>>;
  readonly snapshots: () => Promise<ReadonlySet<string>>;
  /** Hides what may be a credential in a sentence. */
  readonly masked: (text: string) => string;
};

type Deps = { readonly reload: Reload; readonly configView: ConfigParts; readonly audit: AuditParts };

const EXPECTED = 'expected no body, or {"dry_run": true}';
const HASH = "expected the SHA-256 of a config, 64 hexadecimal digits";
const hash = () => text().regex(/^[0-9a-f]{64}$/, HASH);

const ROLES = ["operator", "auditor"] as const;
const UNAVAILABLE = { 503: "the config cannot be read now" } as const;

export const CONFIG_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/config",
    summary: "The settings in force: value, origin and explanation of each key; secrets are masked",
    roles: ROLES,
    scope: "whole-gateway",
    query: z.strictObject({
      find: text().describe("Words that all occur in key, value, origin or explanation").optional(),
      section: text().describe("A key at the top of the file").optional(),
      cursor: cursor().optional(),
      limit: limit().optional(),
    }),
    reply: EffectiveConfig,
    others: UNAVAILABLE,
    answer: async ({ configView }: Deps, { query: { find = "", section, cursor: after = "0", limit: most = 200 } }) =>
      orUnavailable(async () => {
        const { file, sections } = configView;
        const inForce = configView.hash();
        const { rows, next } = await configView.rows({ find, section, after: Number(after), limit: most });
        return { hash: inForce, file, sections, rows, next: cursorOf(next) };
      }),
  }),
  route({
    method: "GET",
    path: "/api/config/history",
    summary: "Which configs were in force or rejected, when, and who asked for it, newest first",
    roles: ROLES,
    scope: "whole-gateway",
    query: z.strictObject({ cursor: cursor().optional(), limit: limit().optional() }),
    reply: ConfigHistory,
    others: { 503: "the search failed or took too long" },
    answer: async ({ audit, configView }: Deps, { query }) => {
      const { before, limit: wanted } = pageAt(query);
      const [found, snapshots] = await Promise.all([
        configChanges(audit.ask, { before, wanted }),
        configView.snapshots(),
      ]);
      return json(200, {
        hash: configView.hash(),
        changes: found.rows.map(({ detail, changes, ...each }) => ({
          ...each,
          detail: detail === null ? null : configView.masked(detail),
          changes: changes.map(configView.masked),
          comparable: snapshots.has(each.hash),
        })),
        next: cursorOf(found.next),
        not_covered: found.not_covered,
      } satisfies ConfigHistory);
    },
  }),
  route({
    method: "GET",
    path: "/api/config/differences",
    summary: "What changed between two configs that were in force",
    roles: ROLES,
    scope: "whole-gateway",
    query: z.strictObject({ from: hash(), to: hash() }),
    reply: ConfigDifferences,
    others: UNAVAILABLE,
    answer: async ({ configView }: Deps, { query: { from, to } }) =>
      orUnavailable(async () => ({ from, to, ...(await configView.differences(from, to)) })),
  }),
  route({
    method: "GET",
    path: "/api/config/check",
    summary: "What ocsgw check says about the files on disk, and what a reload would do with them",
    roles: ROLES,
    scope: "whole-gateway",
    reply: ConfigCheck,
    others: UNAVAILABLE,
    answer: async ({ configView }: Deps) =>
      orUnavailable(async () => {
        const { same, valid, ...checked } = await configView.check();
        const state = stateOf({ same, valid, ...checked });
        return { file: configView.file, in_force: configView.hash(), state, ...checked };
      }),
  }),
  route({
    method: "POST",
    path: "/api/reload",
    summary: "Reads the config again and applies it; with dry_run it only says what would change",
    roles: ["operator"],
    scope: "whole-gateway",
    body: z.strictObject({ dry_run: z.boolean(EXPECTED).optional() }, EXPECTED).optional(),
    reply: Reloaded,
    others: { 422: { when: "the config was rejected; the running config is unchanged", body: ReloadRefused } },
    answer: async ({ reload }: Deps, { body, viewer }) => {
      const reloaded = await reload({ user: viewer.name, ...(body?.dry_run === true && { dryRun: true }) });
      return json(reloaded.outcome === "refused" ? 422 : 200, reloaded);
    },
  }),
];

const stateOf = ({ valid, same, restart }: Checked): ConfigCheck["state"] => {
  if (!valid) return "invalid";
  if (same) return "in-force";
  return restart.length > 0 ? "needs-restart" : "would-reload";
};

const orUnavailable = async (
  answer: () => Promise<Deep<EffectiveConfig | ConfigDifferences | ConfigCheck>>,
): Promise<Reply> => {
  try {
    return json(200, await answer());
  } catch (error) {
    if (error instanceof ConfigUnavailable) return json(503, { error: error.message }, [["Retry-After", "5"]]);
    throw error;
  }
};
