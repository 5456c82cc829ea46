//! Phrases in every language: the same bytes, and the words for them.

/// English name of the language, phrase of 13 words, place of the repeated word.
pub(crate) type Short = (&'static str, &'static str, usize);
/// English name of the language, phrase of 48 words without checksum.
pub(crate) type Long = (&'static str, &'static str);

/// The bytes 00 to 0f.
pub(crate) const SHORT: &[Short] = &[
    (
        "English",
        "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed",
        11,
    ),
    (
        "Chinese (simplified)",
        "进 特 将 支 壮 拥 货 担 抓 愈 步 型 进",
        0,
    ),
    (
        "Dutch",
        "argeloos casanova coassistentschap extinctie timbaal tros lakwijk lynx neonataal ralf embleem fooi extinctie",
        3,
    ),
    (
        "Esperanto",
        "albumo bifsteko boato ekhavi sapejo skribisto imuna kidnapi laosa odori droni empiria ekhavi",
        3,
    ),
    (
        "French",
        "amuser broche cacher double science soigner lettre mesure nature police dame enfuir lettre",
        6,
    ),
    (
        "German",
        "Alphabet beenden belohnen Dressur Rhythmus Satire graben Holzboot Kaliber Methode Darm Einöde Kaliber",
        8,
    ),
    (
        "Italian",
        "amico binario borsa credere sinergia spiccare incanto litro mito popolo ciuccio destino destino",
        11,
    ),
    (
        "Japanese",
        "いけん うんてん えほうまき きてい とこや なにもの ざんしょ しゅくはく せあぶら たはつ かるい きんようび なにもの",
        5,
    ),
    (
        "Lojban",
        "blabi clupa condi fukpi trano vepre mabru mucti pambe semto fanmo gomsi vepre",
        5,
    ),
    (
        "Portuguese",
        "alquimista bombordo bueiro eira seja sousafone ioruba laxativo maquinista ossudo dirimivel epura laxativo",
        7,
    ),
    (
        "Russian",
        "ария вздыхать власть ежик уверять усмешка мумия оазис осмотр рыхлый дикий засыпать усмешка",
        5,
    ),
    (
        "Spanish",
        "aldea azúcar barro cobre oyente pavo gafas hebilla insecto melón ceder cosmos oyente",
        4,
    ),
];

/// The SHA-512 of an ASCII text, in hex.
pub(crate) const LONG_BYTES: &str = "0dd5d9bc3d68c25a396f4aacd922a4d620a19cf3c9054cb825dd8a2c5420f4f3ca314c582ffef5388df36e2546cc9103dd1776a634f676e1e631289b8d280b2e";

/// [`LONG_BYTES`] in every language.
pub(crate) const LONG: &[Long] = &[
    (
        "English",
        "threaten efficient wives skirting repent ashtray rural ammo reunion yoyo already tucks attire waxing uphill template ghetto anxiety utensils newt safety paper quote pebbles album gnaw puppy tidy foxes menu evenings spying wallets plotting fuselage geometry toilet cylinder swagger eels when tether cowl saga gossip vats bias federal",
    ),
    (
        "Chinese (simplified)",
        "忆 众 瓷 坡 残 合 麻 度 综 淀 得 炭 四 弃 隆 违 亚 物 博 娘 缓 薄 纤 暗 方 减 爷 浆 官 乐 称 阀 蜡 予 谈 落 罚 志 蓝 音 浅 森 百 净 波 灌 无 格",
    ),
    (
        "Dutch",
        "tray erna zetbaas spijgat rits bedwelmd salade arubaan rodijk zottebol aorta vanmiddag belboei worp voip tosti glaasje auping waas neuzelaar saus pacht ramselaar pauze amnestie goeierd puzzelaar treur gegraaid mantel feilbaar tabak witmaker plausibel gemiddeld giepmans tyfoon derf ticket ermitage zalig trabant danenberg scampi groosman warklomp bolvormig formule",
    ),
    (
        "Esperanto",
        "sizifa ebena viskoza rapida optimisto anjono pezoforto alfabeto orfino zeto akselo stomako aplikado vazaro timida sidejo fermi alzaca tosti latitudo pilkoludo moskito ofsajdo muro akademio fimensa oblikva sklavo eskapi kisi elektro rojo vampiro neulo etullernejo feino sodakvo cigaredo safario duzo veziko simpla cemento pimento flirti tunelo babili enciklopedio",
    ),
    (
        "French",
        "skier devoir vingt rideau profond aucun rail angoisse propre vous amener star avant vampire tenter sigle fixe ardeur toge navrer rang parmi pompier pause album focus poids socle faible miel eaux rustre vague pilote faveur final songeur chiot sauge devin version sinon chasse rapace fosse tour billet enlever",
    ),
    (
        "German",
        "Salz Dezibel Wind plündern Mund Anker Oberarzt Alter Nabel Zielfoto Almosen Skikurs Anrecht Wahlen Tempo Rüstung Espe Amulett Topmodel Kampagne Ofenholz Lavasee Milchkuh Lerche Aktfoto Exil melden Sanftmut Erde Hufeisen Edelweiß Rapsöl Vorrat Luxus erkalten Erzeuger Schulbus Bogen Respekt Detektiv wechseln Sack Blauwal öffnen Fakultät Trödel Bach Einzug",
    ),
    (
        "Italian",
        "spegnere comune vigilare sartoria pulire arachidi retorica amnistia quaderno zainetto amante subire armonia velluto tirare sospiro enigma anello trattore moglie ricambio panino porzione parodia allarme esaltare polimero spezzare dorso madama cupola seme vegetale pianeta eclissi emisfero stadio cannone silicone compagna vertebra spalla calzone ricetta estrarre tulipano bagaglio dialogo",
    ),
    (
        "Japanese",
        "なさけ きかく はらう でこぼこ たんとう いとこ ちゃんこなべ いさましい たんぴん ひかく いきもの にっさん いふく はせる ねっしん どんぶり けちゃっぷ いそがしい ねんかん せいよう ちらみ そめる たぼう そんぞく あんてい けとばす だったい ななおし くめる しょっけん きまる てんぷら はこぶ たいめん けいけん けしき なれる おじさん とくしゅう きかい はったつ ないそう おくる ちりがみ けみかる のがす うせつ くうき",
    ),
    (
        "Lojban",
        "vasxu ferti rarbau tadji sisku cando sobde bloti skami faumlu birka xabju carna jbogu'e xruki tutci jicmu briju zbabu panje sombo ransu senpi rekto bifce jinku savru vensa jarco murta gapru temse jbocre rupnu jdini jgira viska dansu toldi fepri reisku vamji dacti sonci jivbu zifre cinza grake",
    ),
    (
        "Portuguese",
        "sonso druso vontade riacho paxa arlequim porvir alvura pegaso xodo alhures tavola ascorbico vetusto trovoar slide feto anotar ufologo mausoleu prezar nouveau otite nutritivo ajudante fiorde orla sossego exaustor lele emulsao rural veja ojeriza faixas feltro suor cluster seara dropes viquingue soerguer cinzento privilegios foco unheiro bemol ereto",
    ),
    (
        "Russian",
        "уровень древний эмблема тайна сельский бегство согласие арсенал сечение язык аптека фишка бивень шрам центр умолять исходить атрибут чепуха отбор сонный пуля рюкзак пшеница анкета капитан рыба ускорять иголка область женщина трибуна шорох ресурс изоляция ипподром ушко гамма тянуть драка щель уплата выходить сообщать кенгуру чужой быстрый зачет",
    ),
    (
        "Spanish",
        "pasta chiste relieve obtener mito anillo músculo aleta moho riego alambre pésimo añejo reacción pompa parcela diente altura previo intuir nación llanto mensaje loción aguja divino mecha pausa curva héroe collar óptica rasgo mamut dejar diamante pellejo brote otoño chico reflejo párrafo bozal nadar droga pronto astro crear",
    ),
];
