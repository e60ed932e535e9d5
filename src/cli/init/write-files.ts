/**
 * Writes the files of a new config all together: they are made and validated in a folder beside their places, flushed,
 * and then put in place, the config last. An interruption before that removes the folder, and nothing was written.
 */
import { randomBytes } from "node:crypto";
import { rmdirSync, rmSync, statSync } from "node:fs";
import { lstat, mkdir, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { makeFolders } from "../../common/file-owner.ts";
import { faultInWords, isGone, reason } from "../../common/system-error.ts";
import { rightsFor } from "../../settings/files/edit-file.ts";
import { FAILED } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";
import { leaveSignalsToCommand } from "../process/early-signals.ts";
import { putFolder, putInto, settle, write, type NewFile } from "./put-in-place.ts";

export type { NewFile } from "./put-in-place.ts";

export type Staged = {
  /** Holds the files as they will be, until they are put in place. */
  readonly folder: string;
  /** Puts the files in place. Rejects with Stop; then none of them is in place. */
  readonly commit: () => Promise<void>;
};

/** The paths, of those given, that exist in the folder. Rejects with Stop where that cannot be told. */
export const existing = async (folder: string, paths: readonly string[]): Promise<readonly string[]> => {
  const found = await Promise.all(
    paths.map((path) =>
      lstat(join(folder, path)).then(
        () => [path],
        (error: unknown) => {
          if (isGone(error)) return [];
          throw new Stop(FAILED, `nothing was written: ${faultInWords(error)}`);
        },
      ),
    ),
  );
  return found.flat();
};

/**
 * Makes the files beside `folder` and calls `use` with them. The staging folder is removed at the end, and by SIGINT,
 * SIGTERM or SIGHUP, which end the process with the exit code of a shell. `replace`: paths that may exist.
 */
export const stage = async <Result>(
  folder: string,
  { files, replace }: { readonly files: readonly NewFile[]; readonly replace: readonly string[] },
  use: (staged: Staged) => Promise<Result>,
): Promise<Result> => {
  const target = resolve(folder);
  const isNew = statSync(target, { throwIfNoEntry: false }) === undefined;
  const around = isNew ? dirname(target) : target;
  const staging = join(around, `.${basename(target)}.init-${randomBytes(6).toString("hex")}`);
  const made: string[] = [];
  const signals = removeOnSignal(staging, made);
  const failed = (error: unknown): never => {
    throw error instanceof Stop
      ? error
      : new Stop(FAILED, `nothing was written, because ${folder} cannot be written: ${reason(error)}`);
  };
  try {
    made.push(...(await makeFolders(around).catch(failed)));
    // Those of a new file: a file that is there, whatever its name, must not lend its mode and owner to secrets.
    const rights = await rightsFor(staging, undefined);
    // Its own until the commit, also in a folder of another user.
    await mkdir(staging, { mode: 0o700 }).catch(failed);
    for (const file of files) await write(staging, file, rights).catch(failed);
    return await use({
      folder: staging,
      commit: async () => {
        // It takes milliseconds, and is finished or undone whole.
        signals.ignore();
        if (isNew) await settle(staging, files, rights).catch(failed);
        await (isNew ? putFolder(staging, target) : putInto(staging, target, { files, replace, rights })).catch(failed);
        made.length = 0;
      },
    });
  } finally {
    signals.release();
    await rm(staging, { recursive: true, force: true });
    for (const each of made.toReversed()) await rmdir(each).catch(() => undefined);
  }
};

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGNALS = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[];

const removeOnSignal = (
  staging: string,
  made: readonly string[],
): { readonly ignore: () => void; readonly release: () => void } => {
  let ignores = false;
  const remove = (signal: NodeJS.Signals): void => {
    if (ignores) return;
    rmSync(staging, { recursive: true, force: true });
    try {
      for (const each of made.toReversed()) rmdirSync(each);
    } catch {
      // Somebody else uses it already.
    }
    process.stderr.write("\ninterrupted; nothing was written\n");
    process.exit(128 + NUMBERS[signal as keyof typeof NUMBERS]);
  };
  leaveSignalsToCommand();
  for (const signal of SIGNALS) process.on(signal, remove);
  return {
    ignore: () => {
      ignores = true;
    },
    release: () => {
      for (const signal of SIGNALS) process.off(signal, remove);
    },
  };
};
