/** `ocsgw run`: the gateway, from a config file, until it is told to stop. SIGHUP, or other content of a file, reads the config again. */
import { resolve } from "node:path";
import { assemble, type Gateway } from "../assemble.ts";
import { readAside } from "../assemble/reading.ts";
import { watchFiles } from "../assemble/watch.ts";
import { events } from "../events.ts";
import { IndexKeyDiffers } from "../journal/key-checks.ts";
import { JournalDamaged } from "../journal/recover.ts";
import { sayInvalid } from "./check.ts";
import { keepCompiledSoFar } from "./compile-cache.ts";
import { hintInContainer } from "./container-hint.ts";
import { letHeapGrow } from "./heap.ts";

const BROKEN = 7;

export const serve = async ({ config }: { config: string }): Promise<number> => {
  letHeapGrow();
  // Whom nobody hears, SIGHUP ends: it may come before there is anything to read again, and while requests end.
  process.off("SIGHUP", unheard).on("SIGHUP", unheard);
  const gateway = await start(config);
  if (gateway instanceof IndexKeyDiffers) {
    console.error(`${config}: ${gateway.message}`);
    return NOT_VALID;
  }
  if (gateway instanceof JournalDamaged) {
    console.error(gateway.message);
    return BROKEN;
  }
  if (!gateway) {
    hintInContainer(config);
    return sayInvalid(config);
  }
  keepCompiledSoFar();
  const stopReloading = await keepReloading(gateway, config);
  await untilToldToStop({ stop: async (reason) => { await stopReloading(); await gateway.stop(reason); } });
  return 0;
};

const unheard = (): void => undefined;

const NOT_VALID = 3;

/** Undefined when the file is not valid, and what is wrong with it, or with the journal, when only the journal tells. */
const start = async (config: string): Promise<Gateway | IndexKeyDiffers | JournalDamaged | undefined> => {
  const loaded = await readAside({ file: config });
  if (!loaded.ok) return undefined;
  for (const { file, line, column, message } of loaded.warnings) events.settingsWarning(`${file}:${line}:${column}`, message);
  return assemble({ settings: loaded.settings, configHash: loaded.hash, files: loaded.files, file: config }).catch((error: unknown) => {
    if (error instanceof IndexKeyDiffers || error instanceof JournalDamaged) return error;
    throw error;
  });
};

/** The function that is returned ends it. */
export const keepReloading = async (gateway: Pick<Gateway, "reload" | "files" | "configHash">, config: string): Promise<() => Promise<void>> => {
  const again = (): void => void gateway.reload();
  process.on("SIGHUP", again);
  const stopWatching = await watchFiles({ files: () => new Map([[resolve(config), gateway.configHash], ...gateway.files]), changed: () => gateway.reload() });
  return async () => {
    process.off("SIGHUP", again);
    await stopWatching();
  };
};

/** SIGTERM and SIGINT let requests end; a second one ends the process at once. */
export const untilToldToStop = (gateway: Pick<Gateway, "stop">): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (signal: NodeJS.Signals): void => {
      process.off("SIGTERM", stop).off("SIGINT", stop);
      for (const again of ["SIGTERM", "SIGINT"] as const) process.once(again, () => process.exit(1));
      gateway.stop(signal).then(resolve, reject);
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
  });
