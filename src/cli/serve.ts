/** `ocsgw run`: the gateway, from a config file, until it is told to stop. */
import { assemble, type Gateway } from "../assemble.ts";
import { events } from "../events.ts";
import { loadSettings } from "../settings/load.ts";
import { check } from "./check.ts";

export const serve = async ({ config }: { config: string }): Promise<number> => {
  const gateway = await start(config);
  if (!gateway) return check({ config });
  await untilToldToStop(gateway);
  return 0;
};

/** Undefined when the file is not valid. What was read of it goes when the gateway stands: of many tenants it is a lot. */
const start = async (config: string): Promise<Gateway | undefined> => {
  const loaded = await loadSettings(config);
  if (!loaded.ok) return undefined;
  for (const { file, line, column, message } of loaded.warnings) events.settingsWarning(`${file}:${line}:${column}`, message);
  return assemble({ settings: loaded.settings, configHash: loaded.hash });
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
