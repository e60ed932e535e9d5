/** Where a call goes: to OCS itself, or to the address in GSW_RECORD_URI. */
import type { Call } from "../calls.ts";
import { isOcsAddress, type Addresses } from "../options.ts";
import type { Url } from "../url.ts";
import type { LintFinding } from "./table.ts";

export const judgeAddress = ({ urlAt }: Call, url: Url, addresses: Addresses): readonly LintFinding[] => [
  ...(isOcsAddress(addresses, url) ? [{ rule: "directAddress" as const, at: urlAt }] : []),
  ...(url.fromRecordUri ? [{ rule: "recordUriAddress" as const, at: urlAt }] : []),
];
