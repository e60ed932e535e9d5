/** The pages of src/docs/reference that are made from tables: file and text of each. */
import type { Command } from "commander";
import { cell, parts, table } from "../../../documentation/made/markdown-text.ts";
import { membersOf } from "../../../journal/entry-line.ts";
import { beginsOrEnds, EARLY_DELETED_KINDS, KINDS, outageOf, type Outage } from "../../../journal/kinds.ts";
import { keyHelp } from "../../../journal/search/filter/keys.ts";
import { explainRows } from "../../../settings/schema/schema-tree.ts";
import { FILTER_FORMS, FILTER_NOTE } from "../../audit/filters.ts";
import { EXIT_MEANINGS } from "../../exit-codes.ts";
import { ENVIRONMENT } from "../../process/environment.ts";
import { optionsText } from "./command-options.ts";

const MADE = "Made from the tables of this version by `node src/cli/help/reference/write-reference.ts`.";

/** By name in src/docs/reference, without `.md`. */
export const referencePages = (program: Command): Readonly<Record<string, string>> => ({
  config: configText(),
  "command-options": parts("# Options of all commands", `For people who run commands. ${MADE}`, optionsText(program)),
  "exit-codes": parts(
    "# Exit codes",
    `For people who call commands from scripts: one meaning for each number, whatever the command. ${MADE}`,
    table(
      ["code", "meaning"],
      Object.entries(EXIT_MEANINGS).map(([code, meaning]) => [code, meaning]),
    ),
    "A command that a signal ends has 128 and the number of the signal, for example 143 after SIGTERM.",
  ),
  environment: parts(
    "# Environment variables",
    `For people who run the gateway. ${MADE} The config may name more: \`\${VAR}\` in a value ` +
      "([config keys](config.md)). No secret needs an environment variable: `${file:PATH}` reads it from a file.",
    table(
      ["variable", "meaning"],
      ENVIRONMENT.map(({ name, meaning }) => [`\`${name}\``, meaning]),
    ),
  ),
  filters: parts(
    "# The filter language",
    "For people who search the journal: `ocsgw audit search`, `audit export`, `flows`, and the console's Flows use " +
      `the same filters. ${MADE} [The journal](../explanation/journal.md#filters) shows examples.`,
    table(
      ["form", "meaning"],
      FILTER_FORMS.map(([form, meaning]) => [`\`${form}\``, meaning]),
    ),
    table(
      ["key", "value"],
      keyHelp().map(([key, help]) => [`\`${key}\``, help]),
    ),
    FILTER_NOTE,
  ),
  "journal-entries": entriesText(),
});

const configText = (): string => {
  const rows = explainRows();
  const sections = Map.groupBy(rows, ({ key }) => /^\w+/.exec(key)![0]);
  return parts(
    "# Config keys",
    `For people who write the config: every key with its default and its meaning. ${MADE} ` +
      "`ocsgw check --explain` prints the same, and `config/ocsgw.schema.json` serves editors.",
    "`[]` stands for each item of a list, `<name>` for a name that you choose. Durations are written `250ms`, `5s`, " +
      "`90d`, sizes `64KiB`. `${VAR}`, `${VAR:-default}` and `${file:PATH}` are filled into values.",
    ...[...sections].flatMap(([section, keys]) => [
      `## ${section}`,
      table(
        ["key", "default", "meaning"],
        keys.map(({ key, required, default: fallback, explanation }) => [
          `\`${key}\``,
          required ? "required" : fallback === undefined ? "" : `\`${cell(fallback)}\``,
          explanation,
        ]),
      ),
    ]),
  );
};

const OUTAGE: Readonly<Record<Outage, string>> = {
  reported: "its request is refused, or with `on_failure: continue` the gap counts it",
  deferred: "it is kept, and written once the disk recovers",
  counted: "it is lost, and the gap counts it",
  merged: "it becomes part of the next gap",
};

const entriesText = (): string =>
  parts(
    "# Kinds of journal entries",
    `For people who read the journal's files: the members of each kind, in their order. ${MADE} ` +
      "[Journal format](journal-format.md) says what they mean. Every line begins with `index`, `time` and `kind`, " +
      "and ends with `crc`. Members that do not apply are left out.",
    ...KINDS.map((kind) =>
      parts(
        `## ${kind}`,
        membersOf(kind)
          .map((member) => `\`${member}\``)
          .join(", ") || "No members of its own.",
        [
          beginsOrEnds(kind) === undefined ? undefined : `It ${beginsOrEnds(kind)} a request.`,
          `While the journal cannot be written, ${OUTAGE[outageOf(kind)]}.`,
          EARLY_DELETED_KINDS.includes(kind) ? "`audit.retention` may delete it before its segment." : undefined,
        ]
          .filter(Boolean)
          .join(" "),
      ).trimEnd(),
    ),
  );
