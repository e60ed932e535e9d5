/** The settings in force, their history, and what `check` says about the file on disk. */
import { z } from "zod";
import { count, texts, time } from "./basics.ts";
import { Problem } from "./config.ts";

const hash = () => z.string().describe("SHA-256 of the config, hexadecimal");

export const ConfigRow = z
  .strictObject({
    key: z.string().describe("For example tenants[0].clients.alpha.actions"),
    rule: z.string().describe("The key as ocsgw check --explain names it: tenants[].clients.<name>.actions"),
    entry: z.string().nullable().describe("The name of the tenant, listener or other entry around it"),
    value: z.string().describe("As written in a file, or its default; ••• stands for what is not shown"),
    is_cut: z.boolean().describe("The value has more characters than these"),
    hidden: z
      .enum(["secret", "file", "variable", "personal"])
      .nullable()
      .describe(
        "Why the value is not shown: a secret; a text that comes from a file or an environment variable; policy " +
          "tests, of which only the number is shown",
      ),
    origin: z.enum(["file", "variable", "named-file", "default"]),
    sources: z
      .array(
        z.discriminatedUnion("kind", [
          z.strictObject({
            kind: z.literal("variable"),
            name: z.string(),
            isSet: z.boolean().describe("False: its default in the file is used"),
          }),
          z.strictObject({ kind: z.literal("file"), path: z.string() }),
        ]),
      )
      .describe("Environment variables and files that the value is made from"),
    at: z
      .strictObject({ file: z.string(), line: count(), column: count() })
      .nullable()
      .describe("Null for a default, and in configs of more than 1 MiB"),
    explanation: z.string(),
  })
  .meta({ id: "ConfigRow" });

export const EffectiveConfig = z
  .strictObject({
    hash: hash(),
    file: z.string(),
    sections: texts().describe("The keys at the top of the file"),
    rows: z.array(ConfigRow),
    next: z.string().nullable().describe("The cursor of the next page; null on the last one"),
  })
  .meta({ id: "EffectiveConfig" });
export type EffectiveConfig = z.infer<typeof EffectiveConfig>;

export const ConfigChange = z
  .strictObject({
    index: count().describe("Of the journal entry"),
    time: time(),
    change: z.enum(["started", "reloaded", "refused"]),
    hash: z.string().describe("Of the config that came into force, or was rejected; empty if it could not be read"),
    previous_hash: z.string().nullable().describe("Of the config before; of a rejected one, of the one in force"),
    by: z.string().nullable().describe("What asked for it: reload, SIGHUP or watcher; null if it is not recorded"),
    user: z.string().nullable().describe("Who asked for it over the admin API"),
    file: z.string().nullable(),
    detail: z.string().nullable().describe("Why it was rejected"),
    changes: texts().describe("One sentence each"),
    comparable: z.boolean().describe("A snapshot of this config is at hand, so it can be compared"),
  })
  .meta({ id: "ConfigChange" });

export const ConfigHistory = z
  .strictObject({
    hash: hash(),
    changes: z.array(ConfigChange).describe("Newest first"),
    next: z.string().nullable().describe("The cursor of the next page, which may be empty; null on the last one"),
    not_covered: texts().describe("Why changes may be missing: entries that were deleted or cannot be read"),
  })
  .meta({ id: "ConfigHistory" });
export type ConfigHistory = z.infer<typeof ConfigHistory>;

export const ConfigDifferences = z
  .strictObject({
    from: z.string(),
    to: z.string(),
    changes: texts().nullable().describe("One sentence each; null if they cannot be compared"),
    missing: texts().describe("The hashes of which no snapshot is at hand"),
  })
  .meta({ id: "ConfigDifferences" });
export type ConfigDifferences = z.infer<typeof ConfigDifferences>;

export const ConfigCheck = z
  .strictObject({
    file: z.string(),
    in_force: hash(),
    hash: z.string().describe("Of the file on disk; empty if it cannot be read"),
    state: z
      .enum(["in-force", "would-reload", "needs-restart", "invalid"])
      .describe(
        "in-force: the files are as they were loaded. would-reload: a reload takes them. needs-restart: a reload " +
          "refuses them. invalid: reload and start refuse them",
      ),
    problems: z.array(Problem).describe("As ocsgw check finds them"),
    more: count().describe("How many more problems there are"),
    changes: texts().describe("What the files on disk change, one sentence each; empty if they are invalid"),
    restart: z.array(Problem).describe("The changes that need a restart"),
  })
  .meta({ id: "ConfigCheck" });
export type ConfigCheck = z.infer<typeof ConfigCheck>;
