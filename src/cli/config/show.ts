/** `ocsgw config show`: the settings of a config as one line each, without secrets. */
import { readConfigText, type ConfigText } from "../../settings/load.ts";
import { NO_CACHE } from "../../settings/files/merge-files.ts";
import { rowsPage, viewOf, writtenView, type ConfigRow } from "../../settings/view/config-rows.ts";
import { visible } from "../../settings/problems/visible.ts";
import { printProblems } from "../check/check.ts";
import { DONE, NOT_VALID, WRONG_USAGE } from "../exit-codes.ts";

/**
 * `key`: a setting or section, for example `tenants[0].limits`. `resolved`: with variables filled in and with defaults.
 * `origin`: where each value comes from.
 */
export type ShowOptions = {
  readonly config: string;
  readonly key: string | undefined;
  readonly resolved?: boolean;
  readonly origin?: boolean;
  readonly json?: boolean;
};

type Host = {
  readonly stdout: { readonly write: (text: string) => unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Resolves to the exit code: 0 shown; 2 there is no such setting; 3 the file cannot be read. */
export const configShow = async (options: ShowOptions, host: Host = process): Promise<number> => {
  const text = await readConfigText(options.config);
  const rows = "main" in text ? rowsOf(text, options, host) : undefined;
  if (rows === undefined) {
    await printProblems(options.config);
    return NOT_VALID;
  }
  const { key } = options;
  const shown = key === undefined ? rows : rows.filter((row) => isWithin(row.key, key));
  if (shown.length === 0 && key !== undefined) {
    const hint = options.resolved ? "" : "; --resolved also shows defaults";
    console.error(`${options.config} has no setting ${key}${hint}. ocsgw check --explain lists all settings`);
    return WRONG_USAGE;
  }
  const result = options.json
    ? `${JSON.stringify(
        shown.map((row) => memberOf(row, options)),
        undefined,
        2,
      )}\n`
    : shown.map((row) => `${lineOf(row, options)}\n`).join("");
  host.stdout.write(result);
  return DONE;
};

/** Undefined if the text is not a map. */
const rowsOf = (text: ConfigText, { resolved }: ShowOptions, { env }: Host): readonly ConfigRow[] | undefined => {
  const view = (resolved ? viewOf : writtenView)(text, { env, cache: NO_CACHE });
  if (typeof view.written.raw !== "object" || view.written.raw === null) return undefined;
  const all = { find: "", section: undefined, after: 0, limit: Number.POSITIVE_INFINITY };
  const { rows } = rowsPage(view, all);
  return resolved ? rows : rows.filter(({ origin }) => origin !== "default");
};

const isWithin = (key: string, section: string): boolean =>
  key === section || (key.startsWith(section) && /^[.[]/.test(key.slice(section.length)));

const lineOf = (row: ConfigRow, { origin }: ShowOptions): string => {
  const line = `${row.key}: ${row.value}${row.is_cut ? "…" : ""}${origin ? `  # ${originOf(row)}` : ""}`;
  return visible(line.replaceAll("\n", "\\n"));
};

const memberOf = (row: ConfigRow, { origin }: ShowOptions): object => ({
  key: row.key,
  value: row.value,
  hidden: row.hidden,
  ...(origin && { origin: row.origin, sources: row.sources, at: row.at }),
});

/** For example `config/ocsgw.yaml:12:11, variable OCS_HOST (not set)`. */
const originOf = ({ origin, at, sources }: ConfigRow): string =>
  origin === "default"
    ? "default"
    : [
        ...(at === null ? [] : [`${at.file}:${at.line}:${at.column}`]),
        ...sources.map((source) =>
          source.kind === "file" ? `file ${source.path}` : `variable ${source.name}${source.isSet ? "" : " (not set)"}`,
        ),
      ].join(", ");
