// Every word of the page, in both languages. {braces} are filled in by say().
const STRINGS = {
  en: {
    language: "中文",
    languageLabel: "Switch to Chinese",
    print: "Print",
    titleProposal: "Territory proposal",
    titlePortfolio: "Territories today",
    subtitle: "{customers} customers · {territories} territories",
    before: "Before",
    after: "After",
    viewLabel: "Territories shown",
    colourLabel: "Colour territories by",
    potential: "Potential",
    workload: "Workload",
    territory: "Territory",
    search: "Search customers and territories",
    searchShort: "Search",
    searchNone: "Nothing found for “{query}”.",
    searchMore: "{count} more; type on to narrow it down.",
    kindTerritory: "territory",
    verdictFair: "Fair: every territory is within its tolerance.",
    verdictUnfair: "{territory} has {amount} too much {measure}.",
    verdictUnfairLess: "{territory} has {amount} too little {measure}.",
    verdictWorst: "The furthest off is {territory}: {deviation} {measure}.",
    verdictBand: "Allowed: ±{potential} potential, ±{workload} workload.",
    verdictNone: "There are no territories yet.",
    tilePotential: "Max. deviation, potential",
    tileWorkload: "Max. deviation, workload",
    tileMoved: "Customers moved",
    tileMovedPotential: "{share} of potential",
    tilePieces: "In one piece",
    tilePiecesOf: "{count} of {all}",
    tileGap: "Gap to the bound",
    tileUnassigned: "Without territory",
    balance: "Balance",
    balanceHint: "Deviation from the fair share. The green band is the tolerance; the scale is a square root.",
    sort: "Order",
    sortDeviation: "furthest off first",
    sortName: "by name",
    moves: "Moved customers",
    movesNone: "Nobody changes territory.",
    showMore: "Show {count} more",
    unplaced: "Without a place",
    unplacedNone: "Every customer has a place on the map.",
    reasons: "What stands in the way",
    legendIndex: "{measure}, mean = 100",
    legendBand: "tolerance",
    legendSize: "Customer by potential",
    legendMoved: "Moved, in its new territory's colour",
    legendToday: "Today's border",
    showMoved: "Only moved customers",
    showToday: "Today's borders",
    showCustomers: "Customers",
    showNames: "Names",
    display: "Display",
    close: "Close",
    previous: "Previous customer at this place",
    next: "Next customer at this place",
    here: "{number} of {count} at this place",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    zoomAll: "Show everything",
    sheet: "Show or hide the figures",
    mapLabel: "Map of territories and customers. Everything on it can also be reached by search and in the list.",
    noCustomers: "No customer has a place yet, so there is nothing to draw.",
    id: "Id",
    tier: "Tier",
    potentialYear: "Potential a year",
    workloadYear: "Workload a year",
    visits: "Visits a year",
    minutes: "Minutes per visit",
    from: "From",
    to: "To",
    reason: "Reason",
    price: "Staying would cost, % of the plan",
    runnerUp: "Next best",
    moved: "moves",
    stays: "stays",
    first: "new",
    nobody: "nobody",
    rep: "Rep",
    vacant: "vacant",
    customers: "Customers",
    gains: "Gains",
    loses: "Gives away",
    index: "Index",
    capacity: "Use of capacity",
    pieces: "Pieces",
    compactness: "Compactness",
    meanKm: "Mean distance to centre",
    km: "{value} km",
    hours: "{value} h",
    workloadCounts: "Workload counts visits x minutes{travel}.",
    travelNone: " and no travel",
    travelLine: " plus travel in straight lines",
    travelRoads: " plus travel by road",
    seed: "Seed {seed}.",
    keys: "Keys: B before, A after, / search, Esc close.",
    whyVacant: "its territory has no rep",
    whySkills: "its territory's rep lacks the skills it needs",
    whyGroup: "its group is kept together",
    whyPieces: "nobody beside it stays: alone it would be cut off",
    whyByHand: "moved by hand",
    whyOver: "{territory} is {value} over its share of {measure}",
    whyPassesOn: "{territory} takes from its other neighbours and passes on",
    whyUnder: "{territory} is {value} under its share of {measure}",
    whyNearer: "{value} km nearer to the middle",
    whyStaying: "staying {balance} in balance, {distance} in distance",
    whyCosts: "costs {value} %",
    whySaves: "saves {value} %",
    whyAnd: "; ",
  },
  zh: {
    language: "English",
    languageLabel: "切换到英文",
    print: "打印",
    titleProposal: "区域调整方案",
    titlePortfolio: "当前区域",
    subtitle: "{customers} 个客户 · {territories} 个区域",
    before: "调整前",
    after: "调整后",
    viewLabel: "显示的区域",
    colourLabel: "区域着色依据",
    potential: "潜力",
    workload: "工作量",
    territory: "区域",
    search: "搜索客户和区域",
    searchShort: "搜索",
    searchNone: "没有找到“{query}”。",
    searchMore: "另有 {count} 条，请继续输入以缩小范围。",
    kindTerritory: "区域",
    verdictFair: "公平：所有区域均在容差之内。",
    verdictUnfair: "{territory} 的{measure}多出 {amount}。",
    verdictUnfairLess: "{territory} 的{measure}少了 {amount}。",
    verdictWorst: "偏差最大的是 {territory}：{measure} {deviation}。",
    verdictBand: "容差：潜力 ±{potential}，工作量 ±{workload}。",
    verdictNone: "还没有区域。",
    tilePotential: "潜力最大偏差",
    tileWorkload: "工作量最大偏差",
    tileMoved: "调整的客户",
    tileMovedPotential: "占潜力 {share}",
    tilePieces: "连成一片",
    tilePiecesOf: "{count} / {all}",
    tileGap: "与下界的差距",
    tileUnassigned: "没有区域",
    balance: "均衡",
    balanceHint: "与应得份额的偏差。绿色带为容差范围，横轴为平方根刻度。",
    sort: "排序",
    sortDeviation: "偏差最大在前",
    sortName: "按名称",
    moves: "调整的客户",
    movesNone: "没有客户变更区域。",
    showMore: "再显示 {count} 个",
    unplaced: "没有位置的客户",
    unplacedNone: "所有客户都已在地图上。",
    reasons: "受限原因",
    legendIndex: "{measure}指数，均值 = 100",
    legendBand: "容差",
    legendSize: "客户大小表示潜力",
    legendMoved: "调整的客户，颜色为新区域",
    legendToday: "当前边界",
    showMoved: "只看调整的客户",
    showToday: "当前边界",
    showCustomers: "客户",
    showNames: "名称",
    display: "显示",
    close: "关闭",
    previous: "此处上一个客户",
    next: "此处下一个客户",
    here: "此处第 {number} 个，共 {count} 个",
    zoomIn: "放大",
    zoomOut: "缩小",
    zoomAll: "显示全部",
    sheet: "显示或隐藏数据",
    mapLabel: "区域与客户地图。地图上的内容也可以通过搜索和列表查看。",
    noCustomers: "还没有带位置的客户，无法绘制地图。",
    id: "编号",
    tier: "等级",
    potentialYear: "年潜力",
    workloadYear: "年工作量",
    visits: "年拜访次数",
    minutes: "每次拜访分钟",
    from: "原区域",
    to: "新区域",
    reason: "原因",
    price: "不调整的代价（占方案成本 %）",
    runnerUp: "次优",
    moved: "调整",
    stays: "不变",
    first: "新增",
    nobody: "无",
    rep: "代表",
    vacant: "空缺",
    customers: "客户数",
    gains: "调入",
    loses: "调出",
    index: "指数",
    capacity: "产能使用率",
    pieces: "片数",
    compactness: "紧凑度",
    meanKm: "到中心平均距离",
    km: "{value} 公里",
    hours: "{value} 小时",
    workloadCounts: "工作量 = 拜访次数 × 分钟{travel}。",
    travelNone: "，不计路程",
    travelLine: "，加直线路程",
    travelRoads: "，加道路路程",
    seed: "种子 {seed}。",
    keys: "快捷键：B 调整前，A 调整后，/ 搜索，Esc 关闭。",
    whyVacant: "原区域没有代表",
    whySkills: "原区域的代表缺少所需技能",
    whyGroup: "所属分组保持在一起",
    whyPieces: "相邻客户都已离开，单独留下会被隔开",
    whyByHand: "手工调整",
    whyOver: "{territory} 的{measure}超出应得份额 {value}",
    whyPassesOn: "{territory} 从其他相邻区域接收，再向外转出",
    whyUnder: "{territory} 的{measure}低于应得份额 {value}",
    whyNearer: "离区域中心近 {value} 公里",
    whyStaying: "若不变动：平衡方面{balance}，距离方面{distance}",
    whyCosts: "代价 {value} %",
    whySaves: "节省 {value} %",
    whyAnd: "；",
  },
};

// Reasons of moves that are no figures.
const PLAIN_REASONS = {
  vacant: "whyVacant", skills: "whySkills", group: "whyGroup", pieces: "whyPieces", by_hand: "whyByHand",
};

class Words {
  constructor(language) {
    this.use(language);
  }

  use(language) {
    this.language = language;
    const locale = language === "zh" ? "zh-CN" : "en";
    const format = (options) => new Intl.NumberFormat(locale, options);
    this.whole = format({ maximumFractionDigits: 0 });
    this.fine = format({ maximumSignificantDigits: 3 });
    this.percentFine = format({ style: "percent", maximumFractionDigits: 1 });
    this.percentCoarse = format({ style: "percent", maximumFractionDigits: 0 });
    this.signed = format({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });
    this.signedCoarse = format({ style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" });
  }

  say(key, values = {}) {
    return STRINGS[this.language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  number(value) {
    if (value === null || value === undefined) return "–";
    return Math.abs(value) < 100 ? this.fine.format(value) : this.whole.format(value);
  }

  percent(value) {
    if (value === null || value === undefined) return "–";
    return (Math.abs(value) >= 1 ? this.percentCoarse : this.percentFine).format(value);
  }

  deviation(value) {
    if (value === null || value === undefined) return "–";
    return (Math.abs(value) >= 1 ? this.signedCoarse : this.signed).format(value).replace("-", "−");
  }

  // Why a customer moves, from the figures; in the plan's own words when it was told nothing else.
  reason([, text, , , told], from, to) {
    if (!told) return text;
    const [kind, overMeasure, over, underMeasure, under, nearer, balance, distance] = told;
    if (kind !== "balance") return this.say(PLAIN_REASONS[kind]);
    const measure = (name) => (this.language === "en" ? name : STRINGS[this.language][name] || name);
    const cost = (value) => this.say(value < 0 ? "whySaves" : "whyCosts", { value: this.fine.format(Math.abs(value)) });
    return [
      over === null ? this.say("whyPassesOn", { territory: from }) : this.say("whyOver", { territory: from, value: this.percent(over), measure: measure(overMeasure) }),
      under === null ? null : this.say("whyUnder", { territory: to, value: this.percent(under), measure: measure(underMeasure) }),
      nearer === null ? null : this.say("whyNearer", { value: this.whole.format(nearer) }),
      this.say("whyStaying", { balance: cost(balance), distance: cost(distance) }),
    ].filter(Boolean).join(this.say("whyAnd"));
  }

  hours(minutes) {
    return minutes === null || minutes === undefined ? "–" : this.say("hours", { value: this.number(minutes / 60) });
  }
}

function firstLanguage(asked) {
  if (asked !== "auto") return asked;
  return (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}
