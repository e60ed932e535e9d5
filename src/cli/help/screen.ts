/** How wide and with which signs `ocsgw help` and `ocsgw error` print. */
import type { Screen } from "../../documentation/terminal/to-terminal.ts";

const WIDEST = 100;

export type Terminal = { readonly isTTY?: boolean; readonly columns?: number };

export const screenOf = (terminal: Terminal, env: Readonly<Record<string, string | undefined>>): Screen => ({
  width: Math.max(20, Math.min(WIDEST, terminal.columns ?? WIDEST)),
  isStyled: terminal.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
});
