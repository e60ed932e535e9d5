/** What the commands share that change a list which the gateway reads: keys.yaml, admins.yaml. */
import { FileEditError } from "../settings/files/edit-file.ts";
import { loadSettings } from "../settings/load.ts";
import type { Problem } from "../settings/problems/problem.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { readSmallFile } from "../common/small-file/small-file.ts";
import { reason } from "../common/system-error.ts";
import { visible } from "../settings/problems/visible.ts";
import { DONE, FAILED, NOT_VALID } from "./exit-codes.ts";

type Writer = { readonly write: (text: string) => unknown };
export type Host = {
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Ends a command with an exit code and a message on stderr. */
export class Stop extends Error {
  readonly exit: number;
  constructor(exit: number, message: string) {
    super(message);
    this.exit = exit;
  }
}

/** Resolves to the exit code. */
export const command = async (host: Host, run: () => Promise<void>): Promise<number> => {
  try {
    await run();
    return DONE;
  } catch (error) {
    if (error instanceof Stop) {
      host.stderr.write(`${visible(error.message)}\n`);
      return error.exit;
    }
    if (!(error instanceof FileEditError)) throw error;
    host.stderr.write(`${visible([error.message, ...error.problems.map(line)].join("\n"))}\n`);
    return error.problems.length > 0 ? NOT_VALID : FAILED;
  }
};

/** The settings of a valid config. */
export const settingsOf = async (config: string, { env }: Host): Promise<Settings> => {
  const loaded = await loadSettings(config, env);
  if (loaded.ok) return loaded.settings;
  const errors = loaded.problems.filter(({ severity }) => severity === "error");
  throw new Stop(NOT_VALID, [`${config} is not valid`, ...errors.map(line)].join("\n"));
};

const line = ({ file, line: at, column, code, message }: Problem): string =>
  `${file}:${at}:${column}: ${code} ${message}`;

export const textOf = (file: string): Promise<string> =>
  readSmallFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Stop(FAILED, `cannot read ${file}: ${reason(error)}`);
  });

export const day = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");

/** Rows of cells as text, in columns. */
export const columns = (cells: readonly (readonly string[])[]): string => {
  const rows = cells.map((each) => each.map((cell) => visible(cell).replaceAll("\n", " ")));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((each) => each[column]!.length)));
  return rows
    .map(
      (each) =>
        `${each
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
};
