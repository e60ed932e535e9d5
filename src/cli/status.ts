/** `ocsgw status`: what a running gateway is doing, from its admin listener; 0 ready, 1 not ready, 3 config not valid or not that gateway's, 5 no answer. */
import type { Status } from "../console/status.ts";
import { askAs, type AdminOptions } from "./admin.ts";
import { renderStatus } from "./status-screen.ts";

export type StatusOptions = AdminOptions & { readonly json?: boolean };

const READY = 0;
const NOT_READY = 1;

export const status = async ({ json, ...options }: StatusOptions): Promise<number> => {
  const answer = await askAs(options, { path: "/api/status" });
  if (typeof answer === "number") return answer;
  const told = answer.value as Status;
  console.log(json ? JSON.stringify(told, undefined, 2) : renderStatus(told));
  return told.ready ? READY : NOT_READY;
};
