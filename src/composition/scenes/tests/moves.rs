//! Made-up sessions with transitions between their scenes.

use super::*;
use crate::layout::Transition;

fn with(layout: &Layout, transition: Transition) -> Layout {
    let mut layout = layout.clone();
    layout.style.transition = transition;
    layout
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn transitions_change_nothing_once_they_are_over(
        actors in any_actors(),
        turns in any_turns(),
        canvas in prop::sample::select(vec![(1280, 720), (320, 180), (16, 16)]),
    ) {
        let canvas = Size::new(canvas.0, canvas.1);
        for layout in builtins() {
            let staged = |transition| staged("p", &actors, &turns, &with(&layout, transition), canvas);
            let (cut, fade, glide) = (staged(Transition::Cut), staged(Transition::Fade), staged(Transition::Glide));
            prop_assert!(cut.fades.is_empty() && glide.fades.is_empty());
            prop_assert_eq!(&fade.scenes, &cut.scenes);
            prop_assert!(fade.fades.windows(2).all(|pair| pair[0].end <= pair[1].start));
            prop_assert!(fade.fades.iter().all(|it| Tick::ZERO < it.start && it.start < it.end && it.end.0 - it.start.0 <= 3));
            prop_assert!(glide.scenes.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].start < pair[0].end));
            prop_assert_eq!(glide.scenes.first().map(|scene| scene.start), cut.scenes.first().map(|scene| scene.start));
            prop_assert_eq!(glide.scenes.last().map(|scene| scene.end), cut.scenes.last().map(|scene| scene.end));
            for scene in &glide.scenes {
                let meant = cut.scenes.iter().find(|meant| scene.start < meant.end).expect("scenes cover every tick");
                if scene.moving {
                    let names = |scene: &Scene| scene.tiles.iter().map(|tile| tile.track_id.clone()).collect::<Vec<_>>();
                    prop_assert_eq!(names(scene), names(meant));
                    prop_assert_eq!(scene.end.0 - scene.start.0, 1);
                } else {
                    prop_assert_eq!(&scene.tiles, &meant.tiles);
                    prop_assert_eq!(&scene.decorations, &meant.decorations);
                }
                let meters = scene.meters().map(|(_, rect)| rect);
                for rect in places(scene).into_iter().map(|(rect, _)| rect).chain(meters) {
                    prop_assert!(rect.is_even() && rect.is_inside(canvas) && !rect.is_empty(), "{}: {rect:?}", layout.name);
                }
            }
        }
    }
}

#[test]
fn a_speaker_glides_to_the_large_place_and_a_spoken_word_moves_nobody() {
    let turns = [(2, 5, 9), (1, 12, 15)];
    let layout = with(&named("speaker"), Transition::Glide);
    let staging = staged("p", &seen(4), &turns, &layout, Size::new(1280, 720));
    let moving: Vec<i64> = (staging.scenes.iter())
        .filter(|scene| scene.moving)
        .map(|scene| scene.start.0)
        .collect();
    let gallery = with(&named("gallery"), Transition::Glide);
    let still = staged("p", &seen(4), &turns, &gallery, Size::new(1280, 720));
    assert_eq!(moving.len(), 6, "{moving:?}");
    assert!(still.scenes.len() > 2 && still.scenes.iter().all(|scene| !scene.moving));
}
