/** How the user started this process, so that printed commands can be copied and run. */
import { isAbsolute, relative } from "node:path";
import { inShell } from "../../common/shell-word.ts";

type Process = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly argv: readonly string[];
  readonly execPath: string;
  readonly cwd: string;
};

export const commandName = ({ env, argv, execPath, cwd }: Process = { ...started(), cwd: process.cwd() }): string => {
  if (env["OCSGW_COMMAND"] !== undefined && env["OCSGW_COMMAND"] !== "") return env["OCSGW_COMMAND"];
  if (env["npm_lifecycle_event"] === "start" || env["npm_lifecycle_event"] === "ocsgw")
    return "npm run --silent ocsgw --";
  return [execPath, argv[1] ?? ""].map((path) => inShell(shortest(path, cwd))).join(" ");
};

const started = (): Omit<Process, "cwd"> => ({ env: process.env, argv: process.argv, execPath: process.execPath });

const shortest = (path: string, from: string): string => {
  const near = relative(from, path);
  return near === "" || near.startsWith("..") || isAbsolute(near) || !near.includes("/") ? path : near;
};
