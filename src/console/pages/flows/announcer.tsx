/**
 * What is new, for screen readers: one line every few seconds, because a line for each flow would bury its listener. An
 * answer that OCS never gave is said at once.
 */
import { useEffect, useState } from "preact/hooks";
import { preferences } from "../../preferences.ts";
import { S } from "../../strings.ts";
import { arrivals } from "./flow-view.ts";
import type { FlowRow } from "./flow-list.ts";
import { actionOf } from "./row-text.ts";

const isWithoutAnswer = ({ state }: FlowRow): boolean => state === "no-answer" || state === "in-doubt";

export const Announcer = () => {
  const [said, say] = useState("");
  const seconds = preferences.value.announce;
  useEffect(() => {
    if (seconds === 0) return undefined;
    let news: FlowRow[] = [];
    const take = (rows: readonly FlowRow[]): void => {
      news.push(...rows);
      const lost = rows.find(isWithoutAnswer);
      if (lost) say(S.flows.noAnswerNow(lost.client ?? "", actionOf(lost)));
    };
    arrivals.add(take);
    const timer = setInterval(() => {
      if (news.length === 0) return;
      const refused = news.filter(({ state }) => state === "refused").length;
      say(S.flows.news(news.length, refused, news.filter(isWithoutAnswer).length));
      news = [];
    }, seconds * 1000);
    return () => {
      arrivals.delete(take);
      clearInterval(timer);
    };
  }, [seconds]);
  return (
    <div class="visually-hidden" role="status" data-announcer>
      {said}
    </div>
  );
};
