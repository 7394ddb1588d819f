// Tabs, by click and by arrow keys.

import { byId } from "./base.js";

export function listenToTabs(opened = () => {}) {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  function open(tab) {
    for (const each of tabs) {
      const isOpen = each === tab;
      each.setAttribute("aria-selected", String(isOpen));
      each.tabIndex = isOpen ? 0 : -1;
      byId(each.getAttribute("aria-controls")).hidden = !isOpen;
    }
    opened(tab.getAttribute("aria-controls"));
  }
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!by) return;
      const next = tabs[(i + by + tabs.length) % tabs.length];
      open(next);
      next.focus();
    });
  }
  return (name) => open(byId(`tab-${name}`));
}
