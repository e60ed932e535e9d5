/**
 * `ocsgw status`: shows the state of the running gateway. Exit code 0: ready; 1: not ready; 3: the config is not valid,
 * or not that of the running gateway; 5: no answer.
 */
import type { Status } from "../../admin/status.ts";
import { askAs, type AdminOptions } from "../admin-client.ts";
import { renderStatus } from "./screen.ts";
import { DONE, FAILED } from "../exit-codes.ts";

export type StatusOptions = AdminOptions & { readonly json?: boolean };

export const status = async ({ json, ...options }: StatusOptions): Promise<number> => {
  const answer = await askAs(options, { path: "/api/status" });
  if (typeof answer === "number") return answer;
  const found = answer.value as Status;
  console.log(json ? JSON.stringify(found, undefined, 2) : renderStatus(found));
  return found.ready ? DONE : FAILED;
};
