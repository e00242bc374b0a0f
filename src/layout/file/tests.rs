use super::*;
use crate::media::Rect;

#[test]
fn built_in_layouts_are_found_by_their_file_names() {
    for ((file, _), layout) in BUILT_IN.iter().zip(builtins()) {
        assert_eq!(*file, layout.name);
        assert!(builtin_text(file).is_ok_and(|text| text.starts_with(&format!("# {file}: "))));
    }
    assert!(builtin("mosaic").unwrap_err().to_string().contains("grid"));
}

#[test]
fn every_file_of_the_folder_is_built_in() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/layouts");
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .map(|name| name.into_string().unwrap().trim_end_matches(".toml").to_owned())
        .collect();
    let mut built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    names.sort();
    built_in.sort_unstable();
    assert_eq!(names, built_in);
}

#[test]
fn wrong_layouts_say_what_is_wrong() {
    let text = include_str!("../../../layouts/grid.toml");
    for (from, to, word) in [
        ("max_tiles = 49", "max_tiles = 0", "max_tiles"),
        ("max_tiles = 49", "max_tiles = -1", "from 1 to 49"),
        ("max_tiles = 49", "max_rows = 50", "from 1 to 49"),
        ("max_tiles = 49", "max_columns = 1.5", "a whole number"),
        ("max_tiles = 49", "z = 99999999999", "from -1000000 to 1000000"),
        (
            "[style]",
            "[style]\nwatermark = { picture = \"x.png\", opacity = 300 }",
            "from 1 to 100",
        ),
        (
            "[style]",
            "[style]\nborder = { width = 0, color = \"#ffffff\" }",
            "'border'",
        ),
        (
            "[style]",
            "[style]\nspeaking = { width = 0.0, color = \"#ffffff\" }",
            "'speaking'",
        ),
        (
            "[style]",
            "[style]\nwatermark = { picture = \"x.png\", width = 0 }",
            "'watermark'",
        ),
        (
            "[[variant]]",
            "[[variant]]\nwhen = { min_people = -1 }\n[[variant.region]]\nname = \"a\"\n[[variant]]",
            "whole number",
        ),
        ("#101418", "#10141", "#10141"),
        ("\nfit =", "\nfits =", "fits"),
        ("\nfit = \"contain\"", "\nfit = \"stretch\"", "stretch"),
        ("max_tiles = 49", "excluded_cells = [[1, 1]]", "max_rows"),
        ("max_tiles = 49", "gap = 1.5", "share"),
        ("max_tiles = 49", "shape = \"wide\"", "wide"),
        ("[[variant]]", "[[variant]]\nwhen = { sharing = true }", "when"),
        (
            "[[variant]]",
            "[[variant]]\nwhen = { min_people = 5, max_people = 2 }\n[[variant.region]]\nname = \"a\"\n[[variant]]",
            "at least 5",
        ),
        ("max_tiles = 49", "width = 1", "1.0"),
        ("max_tiles = 49", "height = 0", "height"),
        ("max_tiles = 49", "x = 0.6\nwidth = 0.6", "more than all"),
        ("max_tiles = 49", "width = 99999", "8192"),
        (
            "max_tiles = 49",
            "max_rows = 2\nmax_columns = 2\nexcluded_cells = [[1, 1, 1]]",
            "[row, column]",
        ),
        ("name = \"grid\"\n# How", "name = \" \"\n# How", "name"),
        (
            "[style]",
            "[style]\nwatermark = { picture = \"x.png\", opacity = 0 }",
            "opacity",
        ),
    ] {
        assert!(text.contains(from), "{from} is not in the file");
        let error = parse(&text.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(word), "{from} -> {to}: {error}");
    }
}

#[test]
fn what_is_said_of_a_layout_is_no_longer_than_a_screen() {
    let text = include_str!("../../../layouts/grid.toml");
    let long = "x".repeat(200_000);
    for (to, word) in [
        (format!("shape = \"{long}\""), "is not a shape"),
        (format!("{long} = 1"), "xxx"),
        (format!("gap = {}", "[".repeat(200_000)), "recursion"),
        (
            format!("shape = \"\"\"{}\"\"\"", "x\n".repeat(100_000)),
            "is not a shape",
        ),
    ] {
        let error = parse(&text.replace("max_tiles = 49", &to)).unwrap_err().to_string();
        assert!(
            error.len() < 2000 && error.lines().count() < 20,
            "{} bytes",
            error.len()
        );
        assert!(error.contains(word), "{word}: {error}");
    }
    for (from, to) in [("name = \"grid\"\nd", "d"), ("name = \"grid\"\n#", "#")] {
        let error = parse(&text.replace(from, &format!("name = \"{long}\"\n{to}"))).unwrap_err();
        let error = error.to_string();
        assert!(error.len() < 2000 && error.contains("80 letters"), "{error}");
    }
}

#[test]
fn frames_and_watermarks_can_be_drawn_on_their_canvas() {
    let text = include_str!("../../../layouts/grid.toml");
    let fault = |style: &str| {
        let layout = parse(&text.replace("[style]", &format!("[style]\n{style}"))).unwrap();
        layout.fault_on(Size::new(640, 360))
    };
    for frame in ["border", "speaking"] {
        let with = |width: &str| fault(&format!("{frame} = {{ width = {width}, color = \"#ffffff\" }}"));
        assert_eq!((with("180"), with("0.5"), with("0.001")), (None, None, None));
        for width in ["181", "1.0"] {
            let said = with(width).unwrap();
            assert!(said.contains(frame) && said.contains("180 are the most"), "{said}");
        }
    }
    let mark = |width: &str| fault(&format!("watermark = {{ picture = \"x.png\", width = {width} }}"));
    assert_eq!((mark("1.0"), mark("640")), (None, None));
    assert!(mark("8192").unwrap().contains("640 are the most"));
}

#[test]
fn the_schema_takes_every_built_in_layout_and_no_other_fields() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, text) in BUILT_IN {
        let mut value: serde_json::Value = toml::from_str(text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        value["style"]["sparkle"] = serde_json::json!(true);
        assert!(!validator.is_valid(&value));
    }
}

#[test]
fn regions_may_not_overlap_or_reach_beyond_the_canvas() {
    let text = include_str!("../../../layouts/grid.toml");
    let with = |regions: [&str; 2]| {
        let [one, two] =
            regions.map(|places| format!("\n[[variant.region]]\nname = \"r{}\"\n{places}\n", places.len()));
        let head = text.split("\n[[variant.region]]").next().unwrap();
        parse(&format!("{head}{one}{two}")).unwrap()
    };
    let canvas = Size::new(640, 360);
    let meeting = with(["width = 0.6", "x = 0.5\nwidth = 0.5"]);
    assert!(
        meeting
            .fault_on(canvas)
            .is_some_and(|fault| fault.contains("overlap") && fault.contains("'r11'"))
    );
    assert_eq!(
        with(["width = 0.6", "x = 0.5\nwidth = 0.5\nz = 1"]).fault_on(canvas),
        None
    );
    assert_eq!(with(["width = 0.5", "x = 0.5\nwidth = 0.5"]).fault_on(canvas), None);
    let wide = with(["width = 300", "x = 300\nwidth = 400"]);
    assert!(wide.fault_on(canvas).is_some_and(|fault| fault.contains("beyond")));
    assert_eq!(wide.fault_on(Size::new(1280, 720)), None);
}

/// Regions of one height may never meet, on any canvas, with any number of tiles.
#[test]
fn regions_stay_in_the_canvas_and_meet_only_where_one_lies_above() {
    let canvases = [
        (1280, 720),
        (720, 1280),
        (640, 480),
        (320, 180),
        (16, 16),
        (2160, 3840),
        (34, 1000),
        (1922, 1078),
    ];
    for (layout, canvas) in builtins()
        .iter()
        .flat_map(|layout| canvases.map(|canvas| (layout, canvas)))
    {
        let canvas = Size::new(canvas.0, canvas.1);
        assert_eq!(layout.fault_on(canvas), None);
        for variant in &layout.variants {
            let mut taken: Vec<(i32, Rect)> = Vec::new();
            for region in &variant.regions {
                let area = region.area(canvas);
                assert!(area.is_even() && area.is_inside(canvas), "{}: {area:?}", layout.name);
                let meets = |(z, other): &(i32, Rect)| *z == region.z && area.overlaps(*other);
                assert!(!taken.iter().any(meets), "{}: {} on {canvas}", layout.name, region.name);
                taken.push((region.z, area));
            }
        }
    }
}

#[test]
fn a_tall_canvas_of_speaker_is_filled() {
    let (layout, canvas) = (builtin("speaker").unwrap(), Size::new(1080, 1920));
    for people in [2, 3, 4, 5, 7] {
        let situation = Situation {
            screens: 0,
            people,
            canvas,
        };
        let [stage, strip] = layout.variant(situation).regions.as_slice() else {
            panic!("a stage and a strip")
        };
        let cells = [stage.cells(1, canvas), strip.cells(people - 1, canvas)].concat();
        assert_eq!(cells.len(), people);
        assert!(
            cells.iter().all(|cell| cell.width >= 360 && cell.height >= 270),
            "{cells:?}"
        );
        let filled: u64 = cells.iter().map(|cell| cell.size().pixels()).sum();
        assert!(filled * 10 >= canvas.pixels() * 7, "{people}: {filled} pixels");
    }
}

#[test]
fn excluded_cells_stay_empty() {
    let text = include_str!("../../../layouts/grid.toml").replace(
        "max_tiles = 49",
        "max_rows = 2\nmax_columns = 2\nexcluded_cells = [[1, 2]]",
    );
    let layout = parse(&text).unwrap();
    assert_eq!(layout.most_tiles(), 3);
    let cells = layout.variants[0].regions[0].cells(5, Size::new(1280, 720));
    let corners: Vec<(u32, u32)> = cells.iter().map(|cell| (cell.x, cell.y)).collect();
    assert_eq!(corners, [(0, 0), (0, 360), (640, 360)]);
}
