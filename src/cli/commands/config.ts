/** Commands about the text of a config: config show, config diff, fmt. */
import type { Command } from "commander";
import { CONFIG, done, JSON_OUT } from "./options.ts";

export const addConfigCommands = (ocsgw: Command): void => {
  const config = ocsgw.command("config").description("Show and compare configs. Secrets are never shown");
  config
    .command("show")
    .summary("Show the settings of a config, one on each line")
    .description("Show the settings of a config, one on each line, as they are written in its files")
    .argument("[key]", "only this setting or section, for example upstreams or tenants[0].limits")
    .option(...CONFIG)
    .option("--resolved", "with variables filled in, and with the defaults of all other settings")
    .option("--origin", "also show where each value is from: file, line and column, variable, or default")
    .option(...JSON_OUT)
    .action(done(async (options, key) => (await import("../config/show.ts")).configShow({ ...options, key })));
  config
    .command("diff")
    .description(
      "Show in sentences what changes from one config to another. Exit code 0: the same settings. 10: different",
    )
    .argument("<file>", "config file")
    .argument("<other-file>", "config file to compare with it")
    .option(...JSON_OUT)
    .action(
      done(async (options, before, after) =>
        (await import("../config/diff.ts")).configDiff({ ...options, before: before!, after: after! }),
      ),
    );

  ocsgw
    .command("fmt")
    .summary("Give config files one form")
    .description(
      "Give config files one form: keys in the order of the schema, two spaces of indentation. Comments and values " +
        "stay. Exit code 3: a file is not valid. 10, with --check: a file would change",
    )
    .argument("[files...]", "files to format (default: the config file and those of its tenants.d)")
    .option("--check", "change nothing; print the files that would change")
    .option(...CONFIG)
    .action(
      done(async (options, ...files) =>
        (await import("../fmt.ts")).fmt({ ...options, files: files.flat() as string[] }),
      ),
    );
};
