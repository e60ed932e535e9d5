/** Detects whether this process runs in a container, where there are no other users who could read its files. */
import { existsSync } from "node:fs";

/** The image sets OCSGW_CONTAINER; `0` means that this is not a container. */
export const isContainer = (env: Readonly<Record<string, string | undefined>> = process.env): boolean => {
  const said = env["OCSGW_CONTAINER"];
  if (said !== undefined && said !== "") return said !== "0";
  if (env["KUBERNETES_SERVICE_HOST"] !== undefined || env["container"] !== undefined) return true;
  return ["/.dockerenv", "/run/.containerenv"].some((file) => existsSync(file));
};
