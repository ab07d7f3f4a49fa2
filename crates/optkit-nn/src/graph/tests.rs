use super::*;
use crate::Network;
use resnet18::{basic, conv, resnet18};

#[path = "../../tests/networks/resnet18.rs"]
mod resnet18;

/// `sum(p.numel() for p in torchvision.models.resnet18().parameters())`, and their number.
#[test]
fn resnet18_has_torchvisions_parameters() {
    let network = resnet18(224);
    assert_eq!((network.tensors().len(), network.dim()), (62, 11_689_512));
    // 20 normalisations with two running averages of 4,800 channels in all.
    assert_eq!((network.buffers().len(), network.graph().buffers()), (40, 9_600));
    let tensors = network.tensors();
    let shapes: Vec<_> = tensors.iter().map(|t| (t.name.as_str(), t.shape.as_slice())).collect();
    assert_eq!(shapes[0], ("0.weight", &[64, 3, 7, 7][..]));
    assert_eq!(shapes[1], ("1.weight", &[64][..]));
    assert_eq!(shapes[3], ("4.body.0.weight", &[64, 64, 3, 3][..]));
    // `layer2.0.downsample.0.weight` follows `layer2.0.bn2.bias`.
    assert_eq!(shapes[20], ("8.body.4.bias", &[128][..]));
    assert_eq!(shapes[21], ("8.shortcut.0.weight", &[128, 64, 1, 1][..]));
    assert_eq!(shapes[61], ("21.bias", &[1000][..]));
    assert_eq!(network.buffers()[2].name, "4.body.1.running_mean");
}

#[test]
fn every_node_stands_behind_what_it_reads_and_arrays_fill_their_vectors() {
    let network = resnet18(224);
    let graph = network.graph();
    let (mut parameters, mut buffers) = (0, 0);
    for (k, node) in graph.nodes().iter().enumerate() {
        assert!(node.inputs.iter().all(|&value| value <= k), "{}", node.name);
        for (slots, end) in [(&node.tensors, &mut parameters), (&node.buffers, &mut buffers)] {
            for slot in slots {
                assert_eq!(slot.range.start, *end);
                assert_eq!(slot.range.len(), slot.shape.iter().product::<usize>());
                *end = slot.range.end;
            }
        }
    }
    assert_eq!((parameters, buffers), (graph.dim(), graph.buffers()));
    assert_eq!(graph.shape_of(graph.output()), [1000]);
    assert_eq!(network.shapes().last().unwrap(), &[1000]);
    assert_eq!(network.shapes()[4], [64, 56, 56]);
}

#[test]
fn an_automatic_shortcut_is_the_identity_where_shapes_agree() {
    let [skip, _] = basic(8, 1);
    let same = Network::new(vec![8, 6, 6], vec![skip.clone()]).unwrap();
    assert_eq!(same.graph().nodes().last().unwrap().inputs, [5, 0]);
    let other = Network::new(vec![4, 6, 6], vec![skip]).unwrap();
    assert_eq!(other.graph().nodes().last().unwrap().inputs, [5, 7]);
    assert_eq!(other.tensors().len(), same.tensors().len() + 3);
}

/// Layers that an automatic shortcut leaves out are counted too: numbers do not depend on shapes.
#[test]
fn layers_are_counted_as_they_are_written() {
    let number_of_last = |channels| {
        let mut layers = basic(8, 1).to_vec();
        layers.push(Layer::Flatten);
        let network = Network::new(vec![channels, 6, 6], layers).unwrap();
        network.graph().nodes().last().unwrap().layer
    };
    assert_eq!((number_of_last(8), number_of_last(4)), (9, 9));
}

#[test]
fn a_skip_whose_ways_differ_says_what_helps() {
    let body = vec![conv(8, 3, 2, 1)];
    let skip = Layer::Skip { body: body.clone(), shortcut: Shortcut::Identity };
    let error = Network::new(vec![8, 6, 6], vec![Layer::Relu, skip]).unwrap_err().to_string();
    assert_eq!(
        error,
        "layer 1: `skip`: its layers give 8x3x3, its shortcut gives 8x6x6, and they are added; make the shapes \
         agree, or add a shortcut: `shortcut auto { conv 1x1 CHANNELS stride=2 }`"
    );
    let skip = Layer::Skip {
        body,
        shortcut: Shortcut::Auto(vec![Layer::Skip {
            body: vec![Layer::Dense { outputs: 3 }],
            shortcut: Shortcut::Identity,
        }]),
    };
    let error = Network::new(vec![8, 6, 6], vec![skip]).unwrap_err();
    assert!(
        matches!(&error, NetworkError::Layer { index: 3, name, .. } if name == "0.shortcut.0.body.0"),
        "{error}"
    );
}

#[test]
fn skips_inside_each_other_end_somewhere() {
    let mut layer = Layer::Relu;
    for _ in 0..=DEEPEST {
        layer = Layer::Skip { body: vec![layer], shortcut: Shortcut::Identity };
    }
    let error = Network::new(vec![3], vec![layer]).unwrap_err().to_string();
    assert!(error.contains("64 deep"), "{error}");
}
