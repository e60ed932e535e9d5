import { inShell } from "../../common/shell-word.ts";
import type { SnippetRequest } from "./request.ts";

/** The key goes through standard input, because other users of the machine can read the arguments of a program. */
export const curl = ({ action, target, body }: SnippetRequest): string => {
  const lines = [
    `curl -sS -i --max-time 30 --cacert "$OCSGW_CA" -H @- -H 'Accept: application/problem+json'`,
    ...(action.method === "GET" ? [] : [`-H 'Content-Type: application/json' --data-binary ${inShell(body)}`]),
    `"$OCSGW_URL"${inShell(target)}`,
  ];
  return `printf 'X-Api-Key: %s\\n' "$OCSGW_KEY" |\n  ${lines.join(" \\\n    ")}\n`;
};
