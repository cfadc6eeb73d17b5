// Return the selectors of the app's own style sheet that match nothing on the page.
//
// States and generated content (:focus-visible, ::after) are left out of a selector first.
() => {
  const sheet = [...document.styleSheets].find((candidate) =>
    [...candidate.cssRules].some((rule) => rule.selectorText === '.answer'));
  const selectors = [];
  // The commas of a list of selectors, without those inside of :is(…).
  const alternatives = (text) => {
    const parts = [''];
    let depth = 0;
    for (const letter of text) {
      depth += letter === '(' ? 1 : letter === ')' ? -1 : 0;
      if (letter === ',' && depth === 0) parts.push('');
      else parts[parts.length - 1] += letter;
    }
    return parts.map((part) => part.trim());
  };
  const collect = (rules) => {
    for (const rule of rules) {
      if (rule instanceof CSSStyleRule) selectors.push(...alternatives(rule.selectorText));
      else if (rule instanceof CSSSupportsRule || rule instanceof CSSMediaRule) collect(rule.cssRules);
    }
  };
  if (sheet === undefined) return ['the style sheet itself'];
  collect(sheet.cssRules);
  const stateless = (selector) => selector.replace(/::?(after|before|focus-visible|hover)/g, '');
  return selectors.filter((selector) => document.querySelector(stateless(selector)) === null);
}
