/** Commands that explain: help, error, snippet. */
import { Option, type Command } from "commander";
import { done, JSON_OUT, wrongUsage } from "./options.ts";

export const addHelpCommands = (ocsgw: Command): void => {
  ocsgw.helpCommand(false);
  ocsgw
    .command("help")
    .summary("Print the help of a command, or a page of the documentation")
    .description(
      "Print the help of a command, or a page of the documentation. Without a topic: all commands and topics. Works " +
        "without a network",
    )
    .argument("[topic...]", "a command, or a topic such as exit-codes, environment, filters, journal")
    .option("--search <words>", "list the pages that have all these words. Exit code 1: nothing found")
    .action(async (topic: readonly string[], options: { readonly search?: string }) => {
      if (options.search !== undefined && topic.length > 0) throw wrongUsage("give a topic or --search, not both");
      const { help, searchHelp } = await import("../help/help.ts");
      process.exitCode = await (options.search === undefined ? help(ocsgw, topic) : searchHelp(options.search));
    });

  ocsgw
    .command("error")
    .summary("Explain a code or a log event")
    .description(
      "Explain a code, such as OCSGW-2103, or a log event, such as configRejected: what it means, what to do",
    )
    .argument("[code]", "the code, its four digits, the type of a problem, or the name of a log event")
    .option("--list", "list all codes and log events")
    .option("--search <words>", "list those whose explanation has all these words. Exit code 1: nothing found")
    .option(...JSON_OUT)
    .action(
      done(async (options, code) => {
        const given = [code, options.list, options.search].filter((each) => each !== undefined);
        if (given.length !== 1) throw wrongUsage("give one of a code, --list and --search");
        return (await import("../help/error.ts")).explainError(code, options);
      }),
    );

  ocsgw
    .command("snippet")
    .summary("Print a ready request in the language of a client")
    .description(
      "Print a ready request in the language of a client, for example: snippet DoNotCall /phones/4155550100 --for " +
        "curl. It takes the gateway, the key and the CA's file from OCSGW_URL, OCSGW_KEY and OCSGW_CA. Sends nothing",
    )
    .argument("<action>", "a value of req, or ReadStatus")
    .argument("[path]", "path of the resource (default: one of the sandbox)")
    .addOption(
      new Option("--for <language>", "language of the client")
        .choices(["curl", "ors", "gvp", "java", "csharp", "python", "typescript"])
        .makeOptionMandatory(),
    )
    .option("--body <json>", "body of the request (default: a usual one of the action)")
    .option(...JSON_OUT)
    .action(
      done(async (options, action, path) =>
        (await import("../snippet.ts")).snippet({ ...options, action: action!, path }),
      ),
    );
};
