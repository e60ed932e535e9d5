/** When a running gateway applies the change of a file of users or keys. */
import { inShell } from "../../common/shell-word.ts";
import type { Settings } from "../../settings/schema/schema.ts";

/** A line for stderr. `config`: path of the config file. */
export const appliedWhen = (settings: Settings, config: string): string =>
  settings.config.watch === "none"
    ? "A running gateway has not loaded this change, because config.watch is none: run ocsgw reload -c " +
      `${inShell(config)}\n`
    : "A running gateway applies this within seconds.\n";
