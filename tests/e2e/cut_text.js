// Return the texts of the page that a reader cannot read in full, as {kind, text, part} objects.
//
// kind is "cut" (a box with hidden overflow ends before the text does), "field" (a field shows
// only a part of its value), "covered by" a part (another element is drawn over the middle of the text) or
// "page" (the page is wider than the window). Text that can be scrolled to is not reported.
() => {
  const SLACK_PX = 1.5;
  const found = [];
  const main = document.querySelector('[data-testid="stApp"]');
  const partOf = (element) => {
    const part = element.closest('[data-testid]:not([data-testid="stMarkdownContainer"])');
    return part === null ? element.tagName.toLowerCase() : part.dataset.testid;
  };
  const report = (kind, text, element) =>
    found.push({ kind, text: text.trim().slice(0, 60), part: partOf(element) });

  // A box of a pixel or two is text for screen readers only.
  const isForReadersOnly = (element) => {
    for (let box = element; box && box !== main; box = box.parentElement) {
      if (box.clientWidth <= 2 && box.clientHeight <= 2 && box.clientWidth > 0) return true;
    }
    return false;
  };
  const isVisible = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    !isForReadersOnly(element);

  // The first box around the text that ends before the text does: "hides" or, where a reader can
  // scroll to the rest, "scrolls".
  const endOf = (element, area) => {
    for (let box = element; box && box !== main; box = box.parentElement) {
      const style = getComputedStyle(box);
      const inner = box.getBoundingClientRect();
      const hides = (overflow) => overflow === 'hidden' || overflow === 'clip';
      const scrolls = (overflow) => overflow === 'auto' || overflow === 'scroll';
      const tooWide = area.right > inner.right + SLACK_PX || area.left < inner.left - SLACK_PX;
      const tooHigh = area.bottom > inner.bottom + SLACK_PX + 2 || area.top < inner.top - SLACK_PX - 2;
      if (tooWide && scrolls(style.overflowX)) return 'scrolls';
      if (tooHigh && scrolls(style.overflowY)) return 'scrolls';
      if ((tooWide && hides(style.overflowX)) || (tooHigh && hides(style.overflowY))) return 'hides';
      if (style.position === 'fixed') return null;
    }
    return null;
  };

  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || element.closest('style, script, canvas')) continue;
    if (element.closest('[data-testid="stSidebar"][data-collapsed="true"]')) continue;
    if (!isVisible(element) || /Material/.test(getComputedStyle(element).fontFamily)) continue;
    range.selectNodeContents(node);
    const area = range.getBoundingClientRect();
    if (area.width === 0 || area.height === 0) continue;
    const end = endOf(element, area);
    if (end === 'hides') report('cut', node.data, element);
    if (end !== null) continue;
    const x = area.left + area.width / 2;
    const y = area.top + area.height / 2;
    if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
    const above = document.elementFromPoint(x, y);
    const together = above === null || above.contains(element) || element.contains(above);
    if (together || element.closest('svg') !== null) continue;
    // Parts of one widget lie over each other on purpose; a layer without paint hides nothing.
    const layer = getComputedStyle(above);
    const paints = above.tagName === 'CANVAS' || above.closest('svg, canvas, img') !== null ||
      !/rgba\(.*, 0\)|transparent/.test(layer.backgroundColor);
    if (paints && partOf(above) !== partOf(element)) report(`covered by ${partOf(above)}`, node.data, element);
  }
  for (const input of main.querySelectorAll('input')) {
    if (!['text', 'number'].includes(input.type)) continue;
    if (input.closest('[data-testid="stSidebar"][data-collapsed="true"]')) continue;
    if (isVisible(input) && input.value && input.scrollWidth > input.clientWidth + 1)
      report('field', `${input.getAttribute('aria-label') ?? ''}: ${input.value}`, input);
  }
  for (const page of [document.scrollingElement, document.querySelector('[data-testid="stMain"]')]) {
    if (page && page.scrollWidth > page.clientWidth + 1)
      found.push({ kind: 'page', text: `${page.scrollWidth} px in ${page.clientWidth} px`, part: 'stMain' });
  }
  return found;
}
