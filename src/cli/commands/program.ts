/** The `ocsgw` program: all commands, their options and help. The file of a command is loaded when the command runs. */
import { Command } from "commander";
import manifest from "../../../package.json" with { type: "json" };
import { EXIT_MEANINGS } from "../exit-codes.ts";
import { addAdminsCommands } from "./admins.ts";
import { addAuditCommands } from "./audit.ts";
import { addConfigCommands } from "./config.ts";
import { addCredentialCommands } from "./credentials.ts";
import { addGatewayCommands } from "./gateway.ts";
import { addHelpCommands } from "./help.ts";
import { addOnboardingCommands } from "./onboarding.ts";
import { addPolicyCommands } from "./policy.ts";
import { addSandboxCommands } from "./sandbox.ts";
import { addShellCommands } from "./shell.ts";

export const createProgram = (): Command => {
  const ocsgw = new Command("ocsgw")
    .description("API gateway in front of Genesys Outbound Contact Server (OCS)")
    .version(manifest.version)
    .exitOverride()
    .showHelpAfterError("(ocsgw --help lists all commands)")
    .addHelpText("after", exitCodes());
  addOnboardingCommands(ocsgw);
  addGatewayCommands(ocsgw);
  addPolicyCommands(ocsgw);
  addConfigCommands(ocsgw);
  addCredentialCommands(ocsgw);
  addAdminsCommands(ocsgw);
  addAuditCommands(ocsgw);
  addSandboxCommands(ocsgw);
  addShellCommands(ocsgw);
  addHelpCommands(ocsgw);
  return ocsgw;
};

const exitCodes = (): string =>
  ["\nExit codes:", ...Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `  ${code}  ${meaning}`)].join("\n");
