/** Commands about the shell: completion. */
import { Argument, type Command } from "commander";
import { SHELLS, type Shell } from "../completion/shells.ts";

export const addShellCommands = (ocsgw: Command): void => {
  ocsgw
    .command("completion")
    .summary("Print what makes a shell complete ocsgw's commands")
    .description(
      "Print what makes a shell complete commands, options and files. bash: source <(ocsgw completion bash). zsh: " +
        "write it to a file _ocsgw in a folder of $fpath. fish: write it to ~/.config/fish/completions/ocsgw.fish",
    )
    .addArgument(new Argument("<shell>", "shell that reads it").choices(SHELLS))
    .action(async (shell: Shell) => {
      process.exitCode = (await import("../completion/completion.ts")).completion(ocsgw, shell);
    });
};
