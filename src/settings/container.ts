/** Whether this process runs in a container, where others who could read a file are not on the same system. */
import { existsSync } from "node:fs";

/** OCSGW_CONTAINER is set by the image; `0` says that this is none. */
export const isContainer = (env: Readonly<Record<string, string | undefined>> = process.env): boolean => {
  const said = env["OCSGW_CONTAINER"];
  if (said !== undefined && said !== "") return said !== "0";
  if (env["KUBERNETES_SERVICE_HOST"] !== undefined || env["container"] !== undefined) return true;
  return ["/.dockerenv", "/run/.containerenv"].some((file) => existsSync(file));
};
