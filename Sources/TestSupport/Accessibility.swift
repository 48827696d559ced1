extension Browser {
    /// What keeps people from using the page that is open: fields and controls without a name, a page without a language or
    /// a title, headings that skip a level, ids that occur twice, and text whose contrast is below WCAG 2.2 AA.
    package func barriers() async throws -> [String] {
        try await run(Self.script).array.map(\.string)
    }

    private static let script = #"""
        const found = [];
        const say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 90)}`);
        if (!document.documentElement.lang) found.push("the page names no language");
        if (!document.title) found.push("the page has no title");
        if (document.querySelectorAll("main").length !== 1) found.push("the page has not one main");
        if (document.querySelectorAll("h1").length !== 1) found.push("the page has not one h1");
        const textOf = (ids) => (ids || "").split(/\s+/).filter(Boolean)
          .map((id) => document.getElementById(id)?.textContent || "").join("").trim();
        for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
          const label = [...(field.labels || [])].map((l) => l.textContent).join("").trim();
          if (!label && !field.getAttribute("aria-label") && !textOf(field.getAttribute("aria-labelledby")))
            say("a field has no label", field);
        }
        for (const control of document.querySelectorAll("button, a[href], summary")) {
          if (!control.textContent.trim() && !control.getAttribute("aria-label")) say("a control has no name", control);
        }
        for (const element of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
          for (const name of ["aria-labelledby", "aria-describedby"])
            if (element.hasAttribute(name) && !textOf(element.getAttribute(name))) say(`${name} leads nowhere`, element);
        }
        let level = 0;
        for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
          const next = Number(heading.tagName[1]);
          if (next > level + 1) say("a heading skips a level", heading);
          level = next;
        }
        const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
        for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) found.push(`two have the id ${id}`);

        const parse = (color) => {
          const parts = color.match(/[\d.]+/g).map(Number);
          return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
        };
        const luminance = (rgb) => rgb.map((value) => {
          const c = value / 255;
          return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        }).reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
        const ground = (element) => {
          for (let e = element; e; e = e.parentElement) {
            const color = parse(getComputedStyle(e).backgroundColor);
            if (color.alpha === 1) return color.rgb;
          }
          return [255, 255, 255];
        };
        for (const element of document.querySelectorAll("body *")) {
          const isText = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
          if (!isText || !element.getClientRects().length) continue;
          const style = getComputedStyle(element);
          const [a, b] = [luminance(parse(style.color).rgb), luminance(ground(element))];
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          const size = parseFloat(style.fontSize);
          const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
          if (ratio < (isLarge ? 3 : 4.5)) say(`contrast ${ratio.toFixed(2)}`, element);
        }
        // Without the scroll bar, which the window has besides.
        const page = document.documentElement;
        if (page.scrollWidth > page.clientWidth + 1) found.push("the page is wider than the window");
        return found;
        """#
}
