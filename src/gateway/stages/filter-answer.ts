/** What of OCS's answer may this tenant see? All of it, as OCS sent it; but of the list of every campaign group, its own groups alone. */
import { createHash } from "node:crypto";
import { ANSWER_HEADERS, MESSAGE_TYPES } from "../ocs/answer.ts";
import { bytesOf, headerOf, type Arrival, type HeaderLine } from "../message.ts";
import { mayTouch } from "../tenants/grants.ts";
import { isThis, readGroups, type Group } from "./shape.ts";
import type { Answer, Order, Screened } from "./words.ts";

export const screen = (order: Order, answer: Answer, arrival: Arrival): Screened => {
  const { action, identifier } = order.operation;
  const listsAll = action.name === "ReadStatus" && identifier === undefined && answer.status === 200;
  return listsAll
    ? screenGroups(order, answer, arrival)
    : { status: answer.status, headers: meaningful(answer.headers), body: answer.body };
};

const meaningful = (headers: readonly HeaderLine[]): HeaderLine[] => {
  const kept: HeaderLine[] = [];
  for (const name of ANSWER_HEADERS) {
    const value = headerOf(headers, name);
    if (value !== undefined) kept.push([name, value]);
  }
  return kept;
};

/** The fields of one group that OCS documents; anything else is not ours to show. */
const GROUP_FIELDS = [
  "GSW_CM_AttrReferenceID",
  "GSW_CM_AttrCampaignID",
  "GSW_CM_AttrGroupID",
  "GSW_CM_AttrDialMode",
  "GSW_CM_AttrOptimizeBy",
  "GSW_CM_AttrOptimizeGoal",
  "GSW_CM_AttrGroupCampStatus",
  "GSW_CM_AttrProperties",
  "GSW_SWITCH_DBID",
];

/** Body and Etag are made from this caller's groups only: neither tells of anybody else's. */
const screenGroups = (order: Order, answer: Answer, arrival: Arrival): Screened => {
  const groups = readGroups(answer.body) ?? {};
  const grant = order.owner.clients.get(order.client)!;
  const mine = [...order.owner.campaignGroups.values()]
    .filter(({ dbid }) => mayTouch(grant, dbid))
    .sort((a, b) => a.dbid - b.dbid);
  const shown = Object.fromEntries(
    mine.flatMap((group) => {
      const found = groups[group.name];
      return isThis(group, found) ? [[group.name, pick(found, GROUP_FIELDS)]] : [];
    }),
  );
  const text = JSON.stringify({ GSW_CM_MessageType: MESSAGE_TYPES.allGroups, CampaignGroups: shown }, undefined, 2);
  const etag = `"${createHash("sha256").update(`${order.owner.dbid}\0${text}`).digest("base64url").slice(0, 22)}"`;
  const headers: HeaderLine[] = [...meaningful(answer.headers).filter(([name]) => name !== "Etag"), ["Etag", etag]];
  if (matches(headerOf(arrival.headers, "If-None-Match"), etag))
    return { status: 304, headers: headers.filter(([name]) => name !== "Content-type"), body: bytesOf("") };
  return { status: 200, headers, body: bytesOf(text) };
};

const pick = (from: Group, names: readonly string[]): Group =>
  Object.fromEntries(names.flatMap((name) => (Object.hasOwn(from, name) ? [[name, from[name]]] : [])));

/** RFC 9110, 13.1.2: weak comparison against a list, or any. */
const matches = (wanted: string | undefined, etag: string): boolean =>
  wanted !== undefined &&
  wanted.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === etag);
