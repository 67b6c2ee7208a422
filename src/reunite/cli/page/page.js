"use strict";
// The graph comes as JSON; its values go onto a canvas or through textContent, never into HTML.
(() => {
  const graph = JSON.parse(document.getElementById("graph").textContent);
  const detail = document.getElementById("detail");
  const picture = document.getElementById("picture");

  // A spiral to begin with: the same data gives the same picture.
  const place = (index) => {
    const radius = 40 * Math.sqrt(index);
    const angle = index * Math.PI * (3 - Math.sqrt(5));
    return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  };

  const nodeClasses = (node) => [
    node.kind,
    node.type,
    node.isPrimary && "primary",
    node.isBlocked && "blocked",
    node.isOutside && "outside",
  ].filter(Boolean);

  const nodes = graph.nodes.map((node, index) => ({
    data: { id: node.id, label: node.label, detail: node.detail },
    classes: nodeClasses(node),
    position: place(index),
  }));

  const edges = graph.edges.map((edge, index) => ({
    data: { id: `edge:${index}`, source: edge.from, target: edge.to, detail: edge.detail },
    classes: [edge.kind, edge.isAnchor && "anchor", !edge.isStanding && "voided"].filter(Boolean),
  }));

  const style = [
    { selector: "node", style: {
      "label": "data(label)", "font-size": 12, "text-valign": "center", "text-halign": "center",
      "border-width": 1.5, "color": "#1f2933", "text-wrap": "ellipsis", "text-max-width": 300,
    } },
    { selector: ".identifier", style: {
      "shape": "round-rectangle", "height": 26, "padding": 6,
      "width": (node) => 14 + 7 * Math.min(42, node.data("label").length),
    } },
    { selector: ".email", style: { "background-color": "#d6e6fb", "border-color": "#2f6db5" } },
    { selector: ".phone", style: { "background-color": "#d8f0dd", "border-color": "#2c8249" } },
    { selector: ".contact", style: {
      "shape": "ellipse", "width": (node) => Math.max(30, 8 + 7 * node.data("label").length),
      "height": 30, "padding": 2,
      "background-color": "#e6e8eb", "border-color": "#5d6975",
    } },
    { selector: ".primary", style: {
      "background-color": "#fbe7b2", "border-color": "#a87400", "border-width": 3,
    } },
    { selector: ".row", style: {
      "shape": "diamond", "width": 46, "height": 46,
      "background-color": "#ece0f7", "border-color": "#7a4bb0",
    } },
    { selector: ".blocked", style: { "border-color": "#c2261d", "border-width": 4 } },
    { selector: ".outside", style: {
      "background-color": "#ffffff", "border-style": "dashed", "border-color": "#8a949e",
      "color": "#5d6975",
    } },
    { selector: "edge", style: {
      "curve-style": "bezier", "width": 1.2, "line-color": "#5d6975",
    } },
    { selector: ".anchor", style: { "width": 3 } },
    { selector: ".link", style: { "width": 2, "line-color": "#7a4bb0" } },
    { selector: ".voided", style: {
      "line-style": "dashed", "line-color": "#c2261d", "width": 1.5,
    } },
    { selector: ":selected", style: { "overlay-opacity": 0.15, "overlay-color": "#2f6db5" } },
  ];

  const cy = cytoscape({
    container: picture,
    elements: { nodes, edges },
    style,
    layout: {
      name: "cose", animate: false, randomize: false, nodeDimensionsIncludeLabels: true,
      // The forces are worked out between all pairs: large graphs get fewer rounds of it.
      numIter: Math.max(20, Math.min(1000, Math.round(2e8 / (nodes.length * nodes.length)))),
      idealEdgeLength: () => 70, nodeRepulsion: () => 12000, padding: 30,
    },
    minZoom: 0.05,
    maxZoom: 4,
    wheelSensitivity: 0.3,
  });
  cy.on("tap", (event) => {
    detail.textContent = event.target === cy
      ? "Click a node or a line."
      : event.target.data("detail");
  });
  cy.ready(() => {
    cy.fit(undefined, 30);
    // What is drawn, for whoever looks at the page without eyes.
    picture.dataset.nodes = cy.nodes().filter((node) => node.visible()).length;
    picture.dataset.edges = cy.edges().filter((edge) => edge.visible()).length;
    picture.dataset.voided = cy.edges(".voided").length;
  });
})();
