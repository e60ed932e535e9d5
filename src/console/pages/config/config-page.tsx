/** The config: what is on disk, what is in force and where each value comes from, and what was. */
import { CheckPart } from "./check-part.tsx";
import { HistoryPart } from "./history-part.tsx";
import { SettingsPart } from "./settings-part.tsx";
import "../evidence.css";
import "./config.css";

export const ConfigPage = () => (
  <div class="evidence-page config-page">
    <CheckPart />
    <SettingsPart />
    <HistoryPart />
  </div>
);
